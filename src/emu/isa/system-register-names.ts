/**
 * Names of system registers by encoding, as assemblers spell them (Arm ARM D19, C5.3): identification, control,
 * exceptions, translation, debug, performance monitors, timers, GIC; EL0 to EL3. Trace, branch records,
 * statistical profiling, memory partitioning, activity monitors and SVE have no rows and print generically.
 */

/** Rows by op0 and op1: CRn, CRm, op2 (one digit each, in hexadecimal) and the name. */
const NAMES: Readonly<Record<string, string>> = {
  '2 0': `
    002:osdtrrx_el1 020:mdccint_el1 022:mdscr_el1 032:osdtrtx_el1 062:oseccr_el1 100:mdrar_el1
    104:oslar_el1 114:oslsr_el1 134:osdlr_el1 144:dbgprcr_el1 786:dbgclaimset_el1
    796:dbgclaimclr_el1 7e6:dbgauthstatus_el1`,
  '2 3': `
    010:mdccsr_el0 040:dbgdtr_el0 050:dbgdtrrx_el0`,
  '2 4': `
    070:dbgvcr32_el2`,
  '3 0': `
    000:midr_el1 005:mpidr_el1 006:revidr_el1 010:id_pfr0_el1 011:id_pfr1_el1 012:id_dfr0_el1
    013:id_afr0_el1 014:id_mmfr0_el1 015:id_mmfr1_el1 016:id_mmfr2_el1 017:id_mmfr3_el1
    020:id_isar0_el1 021:id_isar1_el1 022:id_isar2_el1 023:id_isar3_el1 024:id_isar4_el1
    025:id_isar5_el1 026:id_mmfr4_el1 027:id_isar6_el1 030:mvfr0_el1 031:mvfr1_el1 032:mvfr2_el1
    034:id_pfr2_el1 035:id_dfr1_el1 036:id_mmfr5_el1 040:id_aa64pfr0_el1 041:id_aa64pfr1_el1
    044:id_aa64zfr0_el1 045:id_aa64smfr0_el1 050:id_aa64dfr0_el1 051:id_aa64dfr1_el1
    054:id_aa64afr0_el1 055:id_aa64afr1_el1 060:id_aa64isar0_el1 061:id_aa64isar1_el1
    062:id_aa64isar2_el1 070:id_aa64mmfr0_el1 071:id_aa64mmfr1_el1 072:id_aa64mmfr2_el1
    100:sctlr_el1 101:actlr_el1 102:cpacr_el1 200:ttbr0_el1 201:ttbr1_el1 202:tcr_el1
    210:apiakeylo_el1 211:apiakeyhi_el1 212:apibkeylo_el1 213:apibkeyhi_el1 220:apdakeylo_el1
    221:apdakeyhi_el1 222:apdbkeylo_el1 223:apdbkeyhi_el1 230:apgakeylo_el1 231:apgakeyhi_el1
    400:spsr_el1 401:elr_el1 410:sp_el0 420:spsel 422:currentel 423:pan 424:uao 460:icc_pmr_el1
    510:afsr0_el1 511:afsr1_el1 520:esr_el1 600:far_el1 740:par_el1 9e1:pmintenset_el1
    9e2:pmintenclr_el1 a20:mair_el1 a30:amair_el1 c00:vbar_el1 c01:rvbar_el1 c02:rmr_el1 c10:isr_el1
    c80:icc_iar0_el1 c81:icc_eoir0_el1 c82:icc_hppir0_el1 c83:icc_bpr0_el1 c84:icc_ap0r0_el1
    c85:icc_ap0r1_el1 c86:icc_ap0r2_el1 c87:icc_ap0r3_el1 c90:icc_ap1r0_el1 c91:icc_ap1r1_el1
    c92:icc_ap1r2_el1 c93:icc_ap1r3_el1 c95:icc_nmiar1_el1 cb1:icc_dir_el1 cb3:icc_rpr_el1
    cb5:icc_sgi1r_el1 cb6:icc_asgi1r_el1 cb7:icc_sgi0r_el1 cc0:icc_iar1_el1 cc1:icc_eoir1_el1
    cc2:icc_hppir1_el1 cc3:icc_bpr1_el1 cc4:icc_ctlr_el1 cc5:icc_sre_el1 cc6:icc_igrpen0_el1
    cc7:icc_igrpen1_el1 d01:contextidr_el1 d04:tpidr_el1 d07:scxtnum_el1 e10:cntkctl_el1`,
  '3 1': `
    000:ccsidr_el1 001:clidr_el1 002:ccsidr2_el1 007:aidr_el1`,
  '3 2': `
    000:csselr_el1`,
  '3 3': `
    001:ctr_el0 007:dczid_el0 240:rndr 241:rndrrs 420:nzcv 421:daif 425:dit 426:ssbs 427:tco
    440:fpcr 441:fpsr 450:dspsr_el0 451:dlr_el0 9c0:pmcr_el0 9c1:pmcntenset_el0 9c2:pmcntenclr_el0
    9c3:pmovsclr_el0 9c6:pmceid0_el0 9c7:pmceid1_el0 9d0:pmccntr_el0 9d1:pmxevtyper_el0
    9d2:pmxevcntr_el0 9e0:pmuserenr_el0 9e3:pmovsset_el0 d02:tpidr_el0 d03:tpidrro_el0
    d07:scxtnum_el0 e00:cntfrq_el0 e01:cntpct_el0 e02:cntvct_el0 e05:cntpctss_el0 e06:cntvctss_el0
    e20:cntp_tval_el0 e21:cntp_ctl_el0 e22:cntp_cval_el0 e30:cntv_tval_el0 e31:cntv_ctl_el0
    e32:cntv_cval_el0 ef7:pmccfiltr_el0`,
  '3 4': `
    000:vpidr_el2 005:vmpidr_el2 100:sctlr_el2 101:actlr_el2 110:hcr_el2 111:mdcr_el2 112:cptr_el2
    113:hstr_el2 117:hacr_el2 131:sder32_el2 200:ttbr0_el2 201:ttbr1_el2 202:tcr_el2 210:vttbr_el2
    212:vtcr_el2 300:dacr32_el2 400:spsr_el2 401:elr_el2 410:sp_el1 430:spsr_irq 431:spsr_abt
    432:spsr_und 433:spsr_fiq 501:ifsr32_el2 510:afsr0_el2 511:afsr1_el2 520:esr_el2 530:fpexc32_el2
    600:far_el2 604:hpfar_el2 a20:mair_el2 a30:amair_el2 c00:vbar_el2 c01:rvbar_el2 c02:rmr_el2
    c80:ich_ap0r0_el2 c81:ich_ap0r1_el2 c82:ich_ap0r2_el2 c83:ich_ap0r3_el2 c90:ich_ap1r0_el2
    c91:ich_ap1r1_el2 c92:ich_ap1r2_el2 c93:ich_ap1r3_el2 c95:icc_sre_el2 cb0:ich_hcr_el2
    cb1:ich_vtr_el2 cb2:ich_misr_el2 cb3:ich_eisr_el2 cb5:ich_elrsr_el2 cb7:ich_vmcr_el2
    d01:contextidr_el2 d02:tpidr_el2 d07:scxtnum_el2 e03:cntvoff_el2 e10:cnthctl_el2
    e20:cnthp_tval_el2 e21:cnthp_ctl_el2 e22:cnthp_cval_el2 e30:cnthv_tval_el2 e31:cnthv_ctl_el2
    e32:cnthv_cval_el2`,
  '3 5': `
    100:sctlr_el12 102:cpacr_el12 200:ttbr0_el12 201:ttbr1_el12 202:tcr_el12 400:spsr_el12
    401:elr_el12 510:afsr0_el12 511:afsr1_el12 520:esr_el12 600:far_el12 a20:mair_el12
    a30:amair_el12 c00:vbar_el12 d01:contextidr_el12 d07:scxtnum_el12 e10:cntkctl_el12
    e20:cntp_tval_el02 e21:cntp_ctl_el02 e22:cntp_cval_el02 e30:cntv_tval_el02 e31:cntv_ctl_el02
    e32:cntv_cval_el02`,
  '3 6': `
    100:sctlr_el3 101:actlr_el3 110:scr_el3 111:sder32_el3 112:cptr_el3 131:mdcr_el3 200:ttbr0_el3
    202:tcr_el3 400:spsr_el3 401:elr_el3 410:sp_el2 510:afsr0_el3 511:afsr1_el3 520:esr_el3
    600:far_el3 a20:mair_el3 a30:amair_el3 c00:vbar_el3 c01:rvbar_el3 c02:rmr_el3 cc4:icc_ctlr_el3
    cc5:icc_sre_el3 cc7:icc_igrpen1_el3 d02:tpidr_el3 d07:scxtnum_el3`,
};

/** Numbered registers: op0, op1, the CRn, CRm, op2 of number n, how many, and the name around n. */
interface Family {
  readonly op0: number;
  readonly op1: number;
  readonly at: (n: number) => readonly [crn: number, crm: number, op2: number];
  readonly count: number;
  readonly name: (n: number) => string;
}
const BY_EIGHT = (crn: number, crm: number) => (n: number) => [crn, crm + (n >> 3), n & 7] as const;
const DEBUG_PAIRS = [
  ['dbgbvr', 4],
  ['dbgbcr', 5],
  ['dbgwvr', 6],
  ['dbgwcr', 7],
] as const;
const FAMILIES: readonly Family[] = [
  ...DEBUG_PAIRS.map(([prefix, op2]) => ({
    op0: 2,
    op1: 0,
    at: (n: number) => [0, n, op2] as const,
    count: 16,
    name: (n: number) => `${prefix}${n}_el1`,
  })),
  { op0: 3, op1: 3, at: BY_EIGHT(14, 8), count: 31, name: (n) => `pmevcntr${n}_el0` },
  { op0: 3, op1: 3, at: BY_EIGHT(14, 12), count: 31, name: (n) => `pmevtyper${n}_el0` },
  { op0: 3, op1: 4, at: BY_EIGHT(12, 12), count: 16, name: (n) => `ich_lr${n}_el2` },
];

const keyOf = (op0: number, op1: number, crn: number, crm: number, op2: number) =>
  (op0 << 14) | (op1 << 11) | (crn << 7) | (crm << 3) | op2;

function compile(): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const [level, rows] of Object.entries(NAMES)) {
    const [op0 = 0, op1 = 0] = level.split(' ').map(Number);
    for (const row of rows.trim().split(/\s+/)) {
      const [digits = '', name = ''] = row.split(':');
      const [crn = 0, crm = 0, op2 = 0] = [...digits].map((digit) => Number.parseInt(digit, 16));
      names.set(keyOf(op0, op1, crn, crm, op2), name);
    }
  }
  for (const { op0, op1, at, count, name } of FAMILIES)
    for (let n = 0; n < count; n++) names.set(keyOf(op0, op1, ...at(n)), name(n));
  return names;
}

const BY_KEY = compile();
/** The one register whose name depends on the direction: DBGDTRTX_EL0 when written. */
const DBGDTR = keyOf(2, 3, 0, 5, 0);

/** Name of the register with the key op0:op1:CRn:CRm:op2; `s3_0_c15_c2_1` and the like without a row. */
export function systemRegisterName(key: number, written: boolean): string {
  if (key === DBGDTR && written) return 'dbgdtrtx_el0';
  const [op0, op1, crn, crm, op2] = [key >> 14, (key >> 11) & 7, (key >> 7) & 15, (key >> 3) & 15, key & 7];
  return BY_KEY.get(key) ?? `s${op0}_${op1}_c${crn}_c${crm}_${op2}`;
}
