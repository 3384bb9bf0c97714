/** Words of the instructions that hand-written test programs use; distances are in instructions. */

const word = (value: number) => value >>> 0;
const field = (value: number, width: number) => value & (2 ** width - 1);

export const nop = 0xd503201f;
export const wfi = 0xd503207f;
export const isb = 0xd5033fdf;
export const dsb = 0xd5033f9f;
export const icIallu = 0xd508751f;
export const ret = 0xd65f03c0;

export const movz = (rd: number, imm16: number) => word(0xd2800000 | (imm16 << 5) | rd);
export const movk = (rd: number, imm16: number, lane: number) =>
  word(0xf2800000 | (lane << 21) | (imm16 << 5) | rd);
export const mov = (rd: number, rm: number) => word(0xaa0003e0 | (rm << 16) | rd);
export const addImmediate = (rd: number, rn: number, imm12: number) =>
  word(0x91000000 | (imm12 << 10) | (rn << 5) | rd);
export const subImmediate = (rd: number, rn: number, imm12: number) =>
  word(0xd1000000 | (imm12 << 10) | (rn << 5) | rd);
export const add = (rd: number, rn: number, rm: number) => word(0x8b000000 | (rm << 16) | (rn << 5) | rd);
/** ORR Xd, Xn, Xm, LSL #shift. */
export const orrShifted = (rd: number, rn: number, rm: number, shift: number) =>
  word(0xaa000000 | (rm << 16) | (shift << 10) | (rn << 5) | rd);
export const adr = (rd: number, distance: number) => word(0x10000000 | (field(distance, 19) << 5) | rd);
export const b = (distance: number) => word(0x14000000 | field(distance, 26));
export const bl = (distance: number) => word(0x94000000 | field(distance, 26));
export const br = (rn: number) => word(0xd61f0000 | (rn << 5));
export const blr = (rn: number) => word(0xd63f0000 | (rn << 5));
export const cbnz = (rt: number, distance: number) => word(0xb5000000 | (field(distance, 19) << 5) | rt);
export const strW = (rt: number, rn: number) => word(0xb9000000 | (rn << 5) | rt);
export const ldrW = (rt: number, rn: number) => word(0xb9400000 | (rn << 5) | rt);
export const strX = (rt: number, rn: number) => word(0xf9000000 | (rn << 5) | rt);
export const ldrX = (rt: number, rn: number) => word(0xf9400000 | (rn << 5) | rt);
export const dcCvau = (rt: number) => word(0xd50b7b20 | rt);
export const icIvau = (rt: number) => word(0xd50b7520 | rt);
/** TLBI VAE1, Xt. */
export const tlbiVae1 = (rt: number) => word(0xd5088720 | rt);

/** What software does after writing code at the address in a register (Arm ARM B2.4.4). */
export const publishLine = (rn: number): readonly number[] => [dcCvau(rn), dsb, icIvau(rn), dsb, isb];
