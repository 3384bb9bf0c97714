/** Which helpers neither raise exceptions nor look at registers or flags: nothing is spilled for them. */
export function isArithmeticHelper(helper: string): boolean {
  return /^(fp(?!Trap)|unsigned)/.test(helper);
}
