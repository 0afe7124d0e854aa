// Kinds of values that recipes are made of.
import { z } from "zod";

/** How errors call an integer. */
export const WHOLE_NUMBER = "a whole number";
export const count = z.int({ error: WHOLE_NUMBER }).min(1);
export const countOrZero = z.int({ error: WHOLE_NUMBER }).min(0);
export const positive = z.number().positive();
export const pathString = z.string().min(1);
