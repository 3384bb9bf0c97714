/**
 * Pass over a block: accesses at constant distances from one base, close together, ask the TLB once for all of them. A
 * function's prologue saves its registers this way, and code that works on a structure reads and writes it so.
 *
 * Bases are followed through moves and sums with constants, so that a frame stays one base while SP moves. What could
 * change a mapping (a call into the runtime that comes back) ends a group; the rest of such work ends blocks.
 */
import { helperKind } from '../interpreter/runtime-imports.ts';
import type { Body, Node, Operation, Value } from '../ir/ir.ts';
import { ACCESS_UNPRIVILEGED, instructionAlignmentMask } from '../mmu/access.ts';
import type { Lifted } from './lift.ts';
import type { Block } from './region.ts';
import { isVector, type RegisterId, registerAt } from './registers.ts';

/** Accesses further apart are looked up apart: the wider a group, the more often it straddles a page. */
const MAX_SPAN = 256;

/** A register plus a constant. */
interface Sum {
  readonly register: RegisterId;
  readonly distance: number;
}

export interface MergedAccess {
  readonly group: AccessGroup;
  /** The access among the instruction's operations. */
  readonly operation: Operation;
  /** Distance from the group's first byte. */
  readonly offset: number;
}

/** Accesses that one lookup serves. It is made before the first of them. */
export interface AccessGroup {
  /** Where the group begins, from a register as it is before the first access. */
  readonly start: Sum;
  readonly bytes: number;
  /** Some access writes. */
  readonly writes: boolean;
  readonly first: number;
  readonly last: number;
}

/** The accesses of a block that are merged, by the place of their instruction in it. */
export type MergedAccesses = ReadonlyMap<number, MergedAccess>;

/** A value that some register had, and what a register is now in terms of it. */
interface Place {
  readonly root: number;
  readonly distance: number;
}

interface OpenGroup {
  readonly start: RegisterId;
  /** Distance of that register from the root before the first access. */
  readonly startDistance: number;
  from: number;
  to: number;
  writes: boolean;
  readonly members: { readonly index: number; readonly from: number; readonly operation: Operation }[];
}

export function mergeAccesses({ instructions }: Block): MergedAccesses {
  const places = new Map<RegisterId, Place>();
  let roots = 0;
  const placeOf = (register: RegisterId): Place => {
    const place = places.get(register) ?? { root: roots++, distance: 0 };
    places.set(register, place);
    return place;
  };
  const open = new Map<number, OpenGroup>();
  const merged = new Map<number, MergedAccess>();
  const close = (root: number) => {
    const group = open.get(root);
    open.delete(root);
    if (group) finish(group, merged);
  };
  instructions.forEach(({ lifted }, index) => {
    const { access, writes, isBarrier } = effectOf(lifted);
    if (isBarrier) for (const root of [...open.keys()]) close(root);
    if (access) {
      const { root, distance } = placeOf(access.base.register);
      const from = distance + access.base.distance;
      const to = from + access.bytes;
      const member = { index, from, operation: access.operation };
      const group = open.get(root);
      if (group && Math.max(group.to, to) - Math.min(group.from, from) <= MAX_SPAN) {
        group.from = Math.min(group.from, from);
        group.to = Math.max(group.to, to);
        group.writes ||= access.writes;
        group.members.push(member);
      } else {
        close(root);
        const start = access.base.register;
        const { writes } = access;
        open.set(root, { start, startDistance: distance, from, to, writes, members: [member] });
      }
    }
    // All at once: a pair may write the register that the other one's new value comes from.
    const after = writes.map(({ register, value }): [RegisterId, Place] => {
      if (!value) return [register, { root: roots++, distance: 0 }];
      const { root, distance } = placeOf(value.register);
      return [register, { root, distance: distance + value.distance }];
    });
    for (const [register, place] of after) places.set(register, place);
  });
  for (const group of open.values()) finish(group, merged);
  return merged;
}

function finish(open: OpenGroup, merged: Map<number, MergedAccess>): void {
  const { members, from, to, writes } = open;
  const [first, last] = [members[0], members.at(-1)];
  if (!first || !last || members.length < 2) return;
  const group: AccessGroup = {
    start: { register: open.start, distance: from - open.startDistance },
    bytes: to - from,
    writes,
    first: first.index,
    last: last.index,
  };
  for (const { index, from: at, operation } of members)
    merged.set(index, { group, offset: at - from, operation });
}

// ---- What an instruction does ----

interface Effect {
  /** Its access, when it has one that may be merged. */
  readonly access:
    | { readonly base: Sum; readonly bytes: number; readonly writes: boolean; readonly operation: Operation }
    | undefined;
  /** General registers that it writes, with the sum that they become, if it is one. */
  readonly writes: readonly { readonly register: RegisterId; readonly value: Sum | undefined }[];
  /** It may change mappings and go on. */
  readonly isBarrier: boolean;
}

const effects = new WeakMap<Body, Effect>();

function effectOf({ body }: Lifted): Effect {
  const known = effects.get(body) ?? {
    access: accessOf(body),
    writes: writesOf(body),
    isBarrier: callsAndReturns(body),
  };
  effects.set(body, known);
  return known;
}

function accessOf({ nodes }: Body): Effect['access'] {
  const accesses = nodes.filter(({ operation: { op } }) => op === 'guest.read' || op === 'guest.write');
  const [node, ...others] = accesses;
  const operation = node?.operation;
  if (others.length > 0 || (operation?.op !== 'guest.read' && operation?.op !== 'guest.write'))
    return undefined;
  const { access, size, op } = operation;
  if (instructionAlignmentMask(access) !== 0 || access & ACCESS_UNPRIVILEGED) return undefined;
  const base = sumOf(node?.args[0]);
  return base && { base, bytes: size, writes: op === 'guest.write', operation };
}

function writesOf({ nodes }: Body, conditional = false): Effect['writes'] {
  return nodes.flatMap(({ operation, args }, index) => {
    if (operation.op === 'if')
      return [...writesOf(operation.then, true), ...(operation.else ? writesOf(operation.else, true) : [])];
    if (operation.op === 'call') return comesBack(nodes, index) ? EVERY_REGISTER : [];
    const at = operation.op === 'state.store' ? registerAt(operation.offset) : undefined;
    if (!at || isVector(at.id)) return [];
    return [{ register: at.id, value: conditional ? undefined : sumOf(args[0]) }];
  });
}
/** X0 … X30 and SP, after which nothing is known. */
const EVERY_REGISTER: Effect['writes'] = Array.from({ length: 32 }, (_, register) => ({
  register,
  value: undefined,
}));

/** A register, or one plus or minus a constant. */
function sumOf(value: Value | undefined): Sum | undefined {
  const operation = value?.operation;
  if (operation?.op === 'state.load') {
    const at = operation.load === 'i64' ? registerAt(operation.offset) : undefined;
    return at && !isVector(at.id) && at.byte === 0 ? { register: at.id, distance: 0 } : undefined;
  }
  if (operation?.op !== 'numeric') return undefined;
  const sign = operation.name === 'i64.add' ? 1 : operation.name === 'i64.sub' ? -1 : 0;
  const base = sign === 0 ? undefined : sumOf(value?.args[0]);
  const constant = value?.args[1]?.operation;
  if (!base || constant?.op !== 'const') return undefined;
  const distance = base.distance + sign * Number(constant.value);
  return Number.isSafeInteger(distance) ? { register: base.register, distance } : undefined;
}

/** Whether the runtime is called by more than a trap, which leaves. */
function callsAndReturns({ nodes }: Body): boolean {
  return nodes.some(({ operation }, index) => {
    if (operation.op === 'if')
      return (
        callsAndReturns(operation.then) || (operation.else !== undefined && callsAndReturns(operation.else))
      );
    return comesBack(nodes, index);
  });
}

/** Whether a node is a call of the runtime after which the instruction goes on: one before a resync is a trap. */
function comesBack(nodes: readonly Node[], index: number): boolean {
  const operation = nodes[index]?.operation;
  if (operation?.op !== 'call' || helperKind(operation.helper) !== 'runtime') return false;
  return nodes[index + 1]?.operation.op !== 'resync';
}
