// Tables of spelling: which characters and commands mean the same, and which mean nothing.

/** Characters that stand for LaTeX. A blank on each side keeps commands apart from letters. */
const CHARACTERS: Readonly<Record<string, string>> = {
  "\u2212": "-",
  "\u2013": "-",
  "\u2014": "-",
  "\u00d7": " \\times ",
  "\u00f7": " \\div ",
  "\u00b7": " \\cdot ",
  "\u22c5": " \\cdot ",
  "\u2219": " \\cdot ",
  "\u2264": " \\le ",
  "\u2265": " \\ge ",
  "\u2a7d": " \\le ",
  "\u2a7e": " \\ge ",
  "\u2260": " \\ne ",
  "\u2248": " \\approx ",
  "\u2261": " \\equiv ",
  "\u221e": " \\infty ",
  "\u221a": " \\sqrt ",
  "\u222a": " \\cup ",
  "\u2229": " \\cap ",
  "\u2208": " \\in ",
  "\u2209": " \\notin ",
  "\u2216": " \\setminus ",
  "\u2205": " \\emptyset ",
  "\u00b1": " \\pm ",
  "\u2213": " \\mp ",
  "\u00b0": "^{\\circ}",
  "\u00ba": "^{\\circ}",
  "\u2032": "'",
  "\u2033": "''",
  "\u2019": "'",
  "\u00b2": "^{2}",
  "\u00b3": "^{3}",
  "\u00b9": "^{1}",
  "\u2070": "^{0}",
  "\u2074": "^{4}",
  "\u2075": "^{5}",
  "\u2076": "^{6}",
  "\u2077": "^{7}",
  "\u2078": "^{8}",
  "\u2079": "^{9}",
  "\u207f": "^{n}",
  "\u2080": "_{0}",
  "\u2081": "_{1}",
  "\u2082": "_{2}",
  "\u2083": "_{3}",
  "\u00bd": "\\frac{1}{2}",
  "\u00bc": "\\frac{1}{4}",
  "\u00be": "\\frac{3}{4}",
  "\u2153": "\\frac{1}{3}",
  "\u2154": "\\frac{2}{3}",
  "\u2044": "/",
  "\u2215": "/",
  "\u211d": " \\mathbb{R} ",
  "\u2124": " \\mathbb{Z} ",
  "\u2115": " \\mathbb{N} ",
  "\u211a": " \\mathbb{Q} ",
  "\u2102": " \\mathbb{C} ",
  "\u2192": " \\to ",
  "\u21d2": " \\Rightarrow ",
  "\u2220": " \\angle ",
  "\u2026": " \\ldots ",
  "\u00a0": " ",
  "\u2009": " ",
  "\u202f": " ",
  "\u200b": "",
  "\ufeff": "",
  "\uff0c": ",",
  "\uff08": "(",
  "\uff09": ")",
  "\uff1d": "=",
  "\uff0b": "+",
  "\uff1a": ":",
  "\u3002": ".",
  "\u00a2": " \\text{cents} ",
  "\u20ac": "$",
  "\u00a3": "$",
  "\u00a5": "$",
  "\u20b9": "$",
  "\u20a9": "$",
  "\u201c": "",
  "\u201d": "",
};

const GREEK =
  "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau upsilon phi chi psi omega".split(
    " ",
  );

/** The LaTeX that a character outside ASCII stands for, or undefined if it stands for itself. */
export function latexOfCharacter(char: string): string | undefined {
  const code = char.codePointAt(0)!;
  if (code >= 0x3b1 && code <= 0x3c9) return ` \\${GREEK[code - 0x3b1]!} `;
  if (code >= 0x391 && code <= 0x3a9) {
    const name = GREEK[code - 0x391]!;
    return ` \\${name[0]!.toUpperCase()}${name.slice(1)} `;
  }
  // Full-width digits.
  if (code >= 0xff10 && code <= 0xff19) return String(code - 0xff10);
  return CHARACTERS[char];
}

const sameAs = (target: string, names: string): [string, string][] => names.split(" ").map((name) => [`\\${name}`, target]);

/** Commands with one meaning and several spellings; the value is the spelling that the parser knows. */
export const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ...sameAs("\\frac", "dfrac tfrac cfrac sfrac nicefrac"),
  ...sameAs("\\binom", "dbinom tbinom"),
  ...sameAs("\\le", "leq leqslant leqq"),
  ...sameAs("\\ge", "geq geqslant geqq"),
  ...sameAs("\\ne", "neq"),
  ...sameAs("<", "lt"),
  ...sameAs(">", "gt"),
  ...sameAs("\\emptyset", "varnothing"),
  ...sameAs("\\{", "lbrace"),
  ...sameAs("\\}", "rbrace"),
  ...sameAs("[", "lbrack"),
  ...sameAs("]", "rbrack"),
  ...sameAs("(", "lparen"),
  ...sameAs(")", "rparen"),
  ...sameAs("|", "vert mid"),
  ...sameAs("\\lVert", "|"),
  ...sameAs("\\circ", "textdegree"),
  ...sameAs("\\setminus", "smallsetminus backslash"),
  ...sameAs("\\cup", "bigcup sqcup"),
  ...sameAs("\\cap", "bigcap"),
  ...sameAs("\\to", "rightarrow longrightarrow mapsto"),
  ...sameAs("\\Rightarrow", "implies Longrightarrow iff Leftrightarrow therefore"),
  ...sameAs("\\land", "wedge"),
  ...sameAs("\\lor", "vee"),
  ...sameAs("\\approx", "simeq thickapprox cong"),
  ...sameAs("\\in", "isin"),
  ...sameAs("\\ldots", "dots cdots dotsc dotsb"),
  ...sameAs("\\bmod", "mod"),
  ...sameAs("\\arcsin", "asin"),
  ...sameAs("\\arccos", "acos"),
  ...sameAs("\\arctan", "atan arctg"),
  ...sameAs("\\tan", "tg"),
  ...sameAs("\\cot", "ctg"),
  ...sameAs("\\arsinh", "arcsinh asinh"),
  ...sameAs("\\arcosh", "arccosh acosh"),
  ...sameAs("\\artanh", "arctanh atanh"),
  ...sameAs("\\Re", "real"),
  ...sameAs("\\lcm", "lcm"),
  ...sameAs("\\infty", "infin"),
  ...sameAs("\\phi", "varphi"),
  ...sameAs("\\epsilon", "varepsilon"),
  ...sameAs("\\theta", "vartheta"),
  ...sameAs("\\%", "percent"),
  ...sameAs("\\cdot", "ast"),
  ...sameAs("\\vec", "overrightarrow"),
  ...sameAs("\\hat", "widehat"),
  ["\\%", "%"],
  ["\\degree", "\\degrees"],
  ["\\*", "*"],
  ["\\&", "&"],
  ["\\#", "#"],
]);

/** Commands without meaning: sizes, styles, delimiters of formulas. */
export const DROPPED: ReadonlySet<string> = new Set(
  (
    "\\displaystyle \\textstyle \\scriptstyle \\limits \\nolimits \\mathstrut \\strut \\big \\Big \\bigg \\Bigg \\bigl \\bigr \\Bigl \\Bigr " +
    "\\biggl \\biggr \\Biggl \\Biggr \\bigm \\middle \\( \\) \\[ \\] $ \\$ \\rm \\bf \\it \\sf \\tt \\cal \\boxed \\fbox \\ensuremath \\mathop " +
    "\\mathopen \\mathclose \\mathbin \\mathrel \\mathord \\underline \\cancel \\bold \\pounds \\euro \\text@ \\large \\Large \\small \\normalsize " +
    "\\centering \\noindent \\allowbreak \\nonumber \\notag \\hfill \\hline \\tiny \\relax \\protect \\/ \\- \\' \\!"
  ).split(" "),
);

/** Commands that set white space. */
export const SPACES: ReadonlySet<string> = new Set(
  "\\, \\; \\: \\> \\quad \\qquad ~ \\enspace \\thinspace \\medspace \\thickspace \\enskip \\space \\ \\par \\newline"
    .split(" ")
    .concat(["\\ ", "\\\n", "\\\t"]),
);

/** Commands dropped together with one braced argument. */
export const DROPPED_WITH_ARGUMENT: ReadonlySet<string> = new Set(
  "\\color \\textcolor \\colorbox \\hspace \\vspace \\label \\tag \\phantom \\hphantom \\vphantom \\rule \\kern \\mathcolor".split(" "),
);

/** Commands whose argument is words. */
export const TEXT_COMMANDS: ReadonlySet<string> = new Set(
  "\\text \\textbf \\textit \\textrm \\textsf \\texttt \\textnormal \\textsc \\textup \\textmd \\mbox \\hbox \\emph \\mathrm \\operatorname \\mathsf \\mathtt \\mathnormal".split(
    " ",
  ),
);

/** Commands that only change the type of one letter. */
export const LETTER_STYLES: ReadonlySet<string> = new Set(
  "\\mathbf \\mathit \\mathcal \\mathfrak \\mathscr \\boldsymbol \\bm \\pmb".split(" "),
);

/** Words that stand for a command, wherever they are written as plain letters. */
export const WORD_COMMANDS: ReadonlyMap<string, string> = new Map([
  ..."sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos arctan ln log lg exp sqrt pi gcd lcm min max det mod theta alpha beta binom frac cdot times infty cup cap"
    .split(" ")
    .map((name): [string, string] => [name, SYNONYMS.get(`\\${name}`) ?? `\\${name}`]),
  ["infinity", "\\infty"],
  ["inf", "\\infty"],
  ["oo", "\\infty"],
  ["asin", "\\arcsin"],
  ["acos", "\\arccos"],
  ["atan", "\\arctan"],
  ["and", "\\and"],
  ["or", "\\or"],
  ["union", "\\cup"],
  ["percent", "%"],
  ["percentage", "%"],
  ["pct", "%"],
  ["degrees", "\\degrees"],
  ["degree", "\\degrees"],
  ["deg", "\\degrees"],
]);
