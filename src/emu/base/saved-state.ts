/**
 * Reading saved states back: each accessor checks presence, type and size, so that a damaged or foreign
 * state is refused with a RangeError before a component has changed anything it cannot undo.
 */
import type { SavedState, SavedValue } from './ports.ts';

export class StateReader {
  private readonly component: string;
  private readonly state: { readonly [field: string]: SavedValue };

  /** @throws {RangeError} when the state's version is not `version`. */
  constructor(component: string, state: SavedState, version: number) {
    this.component = component;
    this.state = state;
    if (state.version !== version) {
      throw new RangeError(`${component}: state version ${state.version}, expected ${version}`);
    }
  }

  number(field: string): number {
    const value = this.state[field];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw this.misfit(field, 'an integer');
    return value;
  }

  boolean(field: string): boolean {
    const value = this.state[field];
    if (typeof value !== 'boolean') throw this.misfit(field, 'a boolean');
    return value;
  }

  bytes(field: string, length?: number): Uint8Array {
    const value = this.state[field];
    if (!(value instanceof Uint8Array) || (length !== undefined && value.length !== length)) {
      throw this.misfit(field, length === undefined ? 'bytes' : `${length} bytes`);
    }
    return value;
  }

  numbers(field: string, length?: number): readonly number[] {
    const value = this.state[field];
    if (!Array.isArray(value) || !value.every((item) => typeof item === 'number')) {
      throw this.misfit(field, 'a list of numbers');
    }
    if (length !== undefined && value.length !== length) throw this.misfit(field, `${length} numbers`);
    return value;
  }

  /** The state of a part of this component, which is itself a component. */
  nested(field: string): SavedState {
    return this.asState(field, this.state[field]);
  }

  nestedList(field: string, length: number): readonly SavedState[] {
    const value = this.state[field];
    if (!Array.isArray(value) || value.length !== length) throw this.misfit(field, `${length} states`);
    return value.map((item: SavedValue) => this.asState(field, item));
  }

  private asState(field: string, value: SavedValue | undefined): SavedState {
    const isRecord = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isRecord || !('version' in value) || typeof value.version !== 'number') {
      throw this.misfit(field, 'a state');
    }
    return value as SavedState;
  }

  private misfit(field: string, expected: string): RangeError {
    return new RangeError(`${this.component}: saved field "${field}" is not ${expected}`);
  }
}
