// The report's style sheet: one palette for light and one for dark, columns that fold at 400 px, no fonts or files from elsewhere.

/** Custom properties that plots refer to. Series colours keep 3:1 contrast with the page in both schemes. */
export const PALETTE_CSS = `
  :root { color-scheme: light dark; --ink: #1c2024; --muted: #667079; --page: #ffffff; --panel: #f6f7f8; --line: #dfe3e6;
    --series-1: #2066c9; --series-2: #c4570b; --series-3: #16804a; --series-4: #8540b8; --series-5: #b3265a; --series-6: #4b6470;
    --good: #16804a; --bad: #b3261e; --before: #8fa3b3; --after: #2066c9; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e7eaed; --muted: #98a2ab; --page: #14171a; --panel: #1c2024; --line: #343a40;
    --series-1: #6aa7f8; --series-2: #f0975a; --series-3: #57c98a; --series-4: #c08be8; --series-5: #f0719d; --series-6: #9db3bf;
    --good: #57c98a; --bad: #ff8a80; --before: #6b7c89; --after: #6aa7f8; } }`;

export const PAGE_CSS = `${PALETTE_CSS}
  * { box-sizing: border-box; }
  body { margin: 0 auto; max-width: 1080px; padding: 24px 20px 60px; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
  h1 { font-size: 24px; margin: 0; } h2 { font-size: 18px; margin: 36px 0 12px; } h3 { font-size: 15px; margin: 0 0 2px; }
  .sub, figcaption, .note { color: var(--muted); font-size: 13px; margin: 2px 0 0; }
  .verdicts { list-style: none; padding: 0; margin: 16px 0; display: grid; gap: 8px; }
  .verdicts li { border-left: 4px solid var(--muted); background: var(--panel); padding: 8px 12px; border-radius: 0 6px 6px 0; }
  .verdicts .good { border-color: var(--good); } .verdicts .bad { border-color: var(--bad); }
  .scroll { overflow-x: auto; }
  table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
  th, td { text-align: right; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
  th:first-child, td:first-child { text-align: left; } th { font-weight: 600; color: var(--muted); }
  td small { color: var(--muted); } .up { color: var(--good); } .down { color: var(--bad); }
  .grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 22px 28px; }
  figure { margin: 0; min-width: 0; } figure svg { display: block; width: 100%; height: auto; margin-top: 4px; overflow: visible; }
  .legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 13px; margin-top: 2px; }
  .legend i { display: inline-block; width: 14px; height: 3px; border-radius: 2px; margin-right: 6px; vertical-align: middle; }
  .samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 14px; }
  .sample { border: 1px solid var(--line); border-radius: 6px; padding: 10px 12px; min-width: 0; }
  .sample pre { margin: 6px 0 0; } .badge { font-weight: 600; } .right { color: var(--good); } .wrong { color: var(--bad); }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--panel); border-radius: 6px; padding: 8px 10px; font: 13px/1.45 ui-monospace, monospace; margin: 0; max-height: 460px; overflow-y: auto; }
  details summary { cursor: pointer; color: var(--muted); }`;
