/** Symbols and figures of a profile as text. */

export interface Share {
  readonly name: string;
  readonly ms: number;
}

const LINE = /^([0-9a-f]+) \w (\S+)/;
const PERCENT_WIDTH = 6;

/** Names of addresses, from lines "address type name" in any order. */
export class SymbolTable {
  private readonly addresses: bigint[] = [];
  private readonly names: string[] = [];

  constructor(text: string) {
    const rows = text
      .split('\n')
      .map((line) => LINE.exec(line))
      .filter((match) => match !== null)
      .map(([, address = '', name = '']) => ({ address: BigInt(`0x${address}`), name }))
      .sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
    for (const { address, name } of rows) {
      this.addresses.push(address);
      this.names.push(name);
    }
  }

  /** A hexadecimal address with the symbol before it. */
  describe(hex: string): string {
    const address = BigInt(`0x${hex}`);
    let [low, high] = [0, this.addresses.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.addresses[middle] ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const name = this.names[low - 1];
    if (name === undefined) return hex;
    const offset = address - (this.addresses[low - 1] ?? 0n);
    return `${hex} ${name}${offset > 0n ? `+0x${offset.toString(16)}` : ''}`;
  }
}

export function percent(part: number, whole: number): string {
  return `${((100 * part) / (whole || 1)).toFixed(1)} %`.padStart(PERCENT_WIDTH + 1);
}
