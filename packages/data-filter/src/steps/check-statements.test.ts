import { expect, test } from "vitest";
import { statementFault } from "./check-statements.ts";

test.each<[string, string | undefined]>([
  ["Using the table at https://example.org/t.html, find the mean.", "external-url"],
  ["As shown in the figure, AB meets CD at O. Find angle AOC.", "missing-figure"],
  ["In the diagram below, ABCD is a square. Find its area.", "missing-figure"],
  ["Find x. ![](fig.png)", "missing-figure"],
  ["Which of the following numbers is a perfect square?", "missing-options"],
  ["Which of the following is prime? (A) 4 (B) 7 (C) 9", undefined],
  ["Which of the following is prime?\n\nA. 4\nB. 7", undefined],
  ["Prove that the sum of two even integers is even.", "proof-problem"],
  ["Let $n$ be odd. Show that $n^2 - 1$ is divisible by 8.", "proof-problem"],
  ["Prove: for all primes $p > 3$ the number $p^2-1$ is a multiple of 24.", "proof-problem"],
  ["For positive reals $a,b$, establish the inequality $a^2+b^2\\ge 2ab$.", "proof-problem"],
  ["Watch youtu.be/abcdef and count the people.", "external-url"],
  ["In the adjoining figure, $PQ$ is parallel to $RS$. Find $x$.", "missing-figure"],
  ["The figure shows a rectangle in a semicircle of radius 5. Find its area.", "missing-figure"],
  ["What is the area of the polygon shown?", "missing-figure"],
  ["(See figure.) How long is the ladder if the wall is 4 m high?", "missing-figure"],
  ["Select all that apply: which expressions equal nine?", "missing-options"],
  ["A point moves on the circle shown by $x^2+y^2=9$. What is its largest distance from $(5,12)$?", undefined],
  ["Let $a.b/c$ stand for the sum of $a$ and $b/c$. What is $1.2/4$?", undefined],
  ["The diagram has 5 rows of 7 dots. How many dots are there?", undefined],
  ["Prove that the limit exists and find its value.", undefined],
  ["Show that $x$ is rational. What is its denominator?", undefined],
  ["Figure skaters jump 3 times a minute. How many jumps are there in 12 minutes?", undefined],
  ["A five-figure number is divisible by 9. Find the largest one.", undefined],
  ["What is the image of 3 under $f(x) = x^2$?", undefined],
  ["How many of the following statements can be true at once: $x>1$, $x<0$?", undefined],
  ["A picture frame is 10 cm wide. Find its area if it is 20 cm tall.", undefined],
])("%s", (statement, kind) => {
  expect(statementFault(statement)?.kind).toBe(kind);
});
