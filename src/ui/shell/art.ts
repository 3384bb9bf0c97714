/**
 * Bramble's drawings: the berry of the logo and the cane on the first page, which grows like the traces of
 * a circuit board. Decorative, drawn from coordinates here, coloured by tokens.
 */
import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit';

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Drupelet extends Point {
  /** From shadow (0) to light (4). */
  readonly shade: 0 | 1 | 2 | 3 | 4;
}

/** Fruit from dark to light; the same in every scheme, because a berry is a berry. */
const BERRY_SHADES = ['#7d0f3d', '#98174a', '#b51d56', '#cf3a70', '#e4638f'] as const;
const DRUPELET_RADIUS = 3.35;

/** A berry on a 32 by 32 grid: drupelets in rows, packed like bricks, lit from the upper left. */
const DRUPELETS: readonly Drupelet[] = [
  { x: 10.2, y: 12.6, shade: 3 },
  { x: 16, y: 12, shade: 3 },
  { x: 21.8, y: 12.6, shade: 1 },
  { x: 7.4, y: 17.6, shade: 3 },
  { x: 13.1, y: 17.2, shade: 4 },
  { x: 18.9, y: 17.2, shade: 2 },
  { x: 24.6, y: 17.6, shade: 0 },
  { x: 10.2, y: 22.2, shade: 3 },
  { x: 16, y: 22.2, shade: 2 },
  { x: 21.8, y: 22.2, shade: 1 },
  { x: 13.1, y: 26.8, shade: 1 },
  { x: 18.9, y: 26.8, shade: 0 },
];

const SEPALS =
  'M16 10.4C13.5 9.8 10.4 9.4 7.6 6.6c3-.7 5.6-.2 7 1.1.1-2.1.2-3.7 1.4-5.4 1.2 1.7 1.3 3.3 1.4 5.4 1.4-1.3 4-1.8 7-1.1-2.8 2.8-5.9 3.2-8.4 3.8z';

function berryShapes(): SVGTemplateResult {
  return svg`
    ${DRUPELETS.map(
      ({ x, y, shade }) => svg`
      <circle cx=${x} cy=${y} r=${DRUPELET_RADIUS} fill=${BERRY_SHADES[shade]} />
      <circle cx=${x - 1} cy=${y - 1.1} r="0.75" fill="var(--art-shine)" opacity="0.5" />`,
    )}
    <path d=${SEPALS} fill="var(--art-leaf)" />`;
}

/** The mark: one berry. */
export function logo(sizePx: number): TemplateResult {
  return html`<svg class="logo" width=${sizePx} height=${sizePx} viewBox="4 1 24 30" aria-hidden="true">
    ${berryShapes()}
  </svg>`;
}

interface Placed extends Point {
  readonly scale: number;
  readonly degrees: number;
}

/** Canes, thickest first: 45-degree bends like traces on a board. */
const CANES: readonly { readonly path: string; readonly width: number }[] = [
  { path: 'M40 430V330l70-70v-60l60-60h70', width: 7 },
  { path: 'M40 360l90-50h70l60-60h90l40-40', width: 5 },
  { path: 'M110 220h-40l-26-26v-44', width: 4 },
  { path: 'M240 140l50-50h60', width: 4 },
  { path: 'M200 310l44 44h80l30 30', width: 4 },
];

/** Traces of the board behind, each ending in a via. */
const TRACES: readonly { readonly path: string; readonly via: Point }[] = [
  { path: 'M0 400h130l40-40h240', via: { x: 410, y: 360 } },
  { path: 'M80 430l60-60h90l26-26', via: { x: 256, y: 344 } },
  { path: 'M0 250h36l50-50V90l30-30h70', via: { x: 186, y: 60 } },
  { path: 'M150 430l40-40h70l20 20h110', via: { x: 390, y: 410 } },
  { path: 'M170 210h150l50 50v50', via: { x: 370, y: 310 } },
  { path: 'M140 110h90l60-60h110', via: { x: 400, y: 50 } },
  { path: 'M300 180h80l40-40', via: { x: 420, y: 140 } },
];

const LEAF = 'M0 0C8-20 30-27 52-15 41 5 20 14 0 0z';
const LEAF_RIB = 'M4-1.5C18-8 34-13 46-13.5';
const LEAVES: readonly Placed[] = [
  { x: 110, y: 222, scale: 1.1, degrees: 18 },
  { x: 44, y: 306, scale: 1.15, degrees: -160 },
  { x: 180, y: 140, scale: 1.05, degrees: -78 },
  { x: 240, y: 268, scale: 1, degrees: 74 },
  { x: 312, y: 250, scale: 0.95, degrees: -66 },
  { x: 262, y: 356, scale: 0.95, degrees: -58 },
  { x: 44, y: 160, scale: 0.8, degrees: -150 },
  { x: 300, y: 88, scale: 0.9, degrees: 64 },
];

const BERRIES: readonly Placed[] = [
  { x: 352, y: 92, scale: 2.7, degrees: 0 },
  { x: 392, y: 212, scale: 3.3, degrees: 8 },
  { x: 46, y: 140, scale: 2.1, degrees: -6 },
  { x: 356, y: 386, scale: 2.3, degrees: 4 },
  { x: 242, y: 150, scale: 1.7, degrees: -10 },
];
/** The middle of a berry's top on its own grid, where it hangs from the cane. */
const BERRY_STEM: Point = { x: 16, y: 4 };

/** The drawing beside the first page's headline. */
export function caneArt(): TemplateResult {
  return html`<svg class="cane" viewBox="-16 36 470 440" aria-hidden="true">
    <g fill="none" stroke="var(--art-trace)" stroke-width="2">
      ${TRACES.map(({ path, via }) => svg`<path d=${path} /><circle cx=${via.x} cy=${via.y} r="4.5" />`)}
    </g>
    <g fill="none" stroke="var(--art-cane)" stroke-linecap="round" stroke-linejoin="round">
      ${CANES.map(({ path, width }) => svg`<path d=${path} stroke-width=${width} />`)}
    </g>
    ${LEAVES.map(
      (leaf) => svg`<g transform=${placed(leaf)}>
      <path d=${LEAF} fill="var(--art-leaf)" />
      <path d=${LEAF_RIB} fill="none" stroke="var(--art-leaf-dark)" stroke-width="1.6" stroke-linecap="round" />
    </g>`,
    )}
    ${BERRIES.map(
      (berry) => svg`
      <g transform="${placed(berry)} translate(${-BERRY_STEM.x} ${-BERRY_STEM.y})">${berryShapes()}</g>`,
    )}
  </svg>`;
}

function placed({ x, y, scale, degrees }: Placed): string {
  return `translate(${x} ${y}) rotate(${degrees}) scale(${scale})`;
}
