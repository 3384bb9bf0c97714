/** What software reads before it maintains caches, as constants: CTR_EL0 and DCZID_EL0 (Arm ARM D17.2). */

/** IminLine (bit 0) and DminLine (16): 2^4 words; L1Ip (14): PIPT; ERG (20), CWG (24): 2^4 words; bit 31 is RES1. */
export const CTR_EL0_VALUE = 0x8444_c004;
/** BS: log2 of the words of a block. */
export const DCZID_BS = 4;
/** Place of DZP: DC ZVA is prohibited. */
export const DCZID_DZP_SHIFT = 4;
