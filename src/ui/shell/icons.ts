/** The page's icons: strokes on a 24 by 24 grid, one row each. */
import { html, svg, type TemplateResult } from 'lit';

/** Path data; sub-paths of one icon are one string. */
const PATHS = {
  play: 'M8 5.5v13l10.5-6.5z',
  pause: 'M8.5 5.5v13M15.5 5.5v13',
  reset: 'M4.5 12a7.5 7.5 0 1 0 2.4-5.5M4.5 4.5v4.2h4.2',
  power: 'M12 3.5v8M7 6.6a7.5 7.5 0 1 0 10 0',
  plug: 'M9 3.5v4M15 3.5v4M6.5 7.5h11v3.5a5.5 5.5 0 0 1-11 0zM12 16.5v4',
  keyboard: 'M3.5 6.5h17v11h-17zM7 10h.01M10.3 10h.01M13.7 10h.01M17 10h.01M7.5 14h9',
  search: 'M10.8 17.2a6.4 6.4 0 1 0 0-12.8 6.4 6.4 0 0 0 0 12.8zM15.5 15.5l4.5 4.5',
  copy: 'M8.5 8.5h11v11h-11zM15.5 8.5v-4h-11v11h4',
  paste: 'M8.5 5.5h-3v14h13v-14h-3M8.5 4h7v3.5h-7z',
  save: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15',
  clear: 'M4.5 19.5h15M6.2 14.5l8-9.5 4.8 4.3-6.6 7.2H8.4z',
  full: 'M4.5 9v-4.5H9M15 4.5h4.5V9M19.5 15v4.5H15M9 19.5H4.5V15',
  more: 'M5.2 12a.8.8 0 1 0 1.6 0 .8.8 0 0 0-1.6 0zM11.2 12a.8.8 0 1 0 1.6 0 .8.8 0 0 0-1.6 0zM17.2 12a.8.8 0 1 0 1.6 0 .8.8 0 0 0-1.6 0z',
  back: 'M14.5 5.5L8 12l6.5 6.5',
  down: 'M6.5 9.5l5.5 5.5 5.5-5.5',
  up: 'M6.5 14.5L12 9l5.5 5.5',
  close: 'M6 6l12 12M18 6L6 18',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 4l9 15.5H3zM12 10v4.5M12 17h.01',
  info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5M12 8h.01',
  help: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM9.6 9.6a2.5 2.5 0 1 1 3.6 2.3c-.8.4-1.2.9-1.2 1.8M12 16.5h.01',
  sun: 'M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2.8v1.7M12 19.5v1.7M2.8 12h1.7M19.5 12h1.7M5.5 5.5l1.2 1.2M17.3 17.3l1.2 1.2M5.5 18.5l1.2-1.2M17.3 6.7l1.2-1.2',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z',
  contrast: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 4v16M12 7.5h6.5M12 12h8M12 16.5h6.5',
  system: 'M3.5 5h17v11h-17zM9 19.5h6M12 16v3.5',
  link: 'M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2',
  folder: 'M3.5 6.5h6l2 2.5h9v10h-17z',
  file: 'M6.5 3.5h7l4 4v13h-11zM13.5 3.5v4h4',
  drop: 'M12 14.5V4.5M8 8l4-4 4 4M4.5 14v5.5h15V14',
  lock: 'M6.5 10.5h11v9h-11zM8.8 10.5v-3a3.2 3.2 0 0 1 6.4 0v3',
  text: 'M4.5 6.5v-2h15v2M12 4.5v15M9.5 19.5h5',
  listen: 'M5 10v4M8.5 7v10M12 4.5v15M15.5 8v8M19 10.5v3',
  sliders:
    'M4 7h9M17 7h3M4 17h3M11 17h9M15 9.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM9 19.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z',
  disk: 'M4 13.5h16v5.5H4zM4 13.5l2.6-8.5h10.8l2.6 8.5M16.5 16.3h.01M13.5 16.3h.01',
  plus: 'M12 5v14M5 12h14',
  pencil: 'M4.5 19.5l1-4.2L16 4.8l3.2 3.2L8.7 18.5zM13.8 7l3.2 3.2',
  trash: 'M4.5 6.5h15M9 6.5v-2h6v2M6.5 6.5l.9 13h9.2l.9-13M10.3 10v6M13.7 10v6',
  resize: 'M13.5 4.5h6v6M10.5 19.5h-6v-6M19.5 4.5l-6 6M4.5 19.5l6-6',
  clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5V12l3 2',
  shell: 'M3.5 5h17v14h-17zM7 9.5l3 2.5-3 2.5M12.5 15h4',
} as const;

export type IconName = keyof typeof PATHS;

/** A decorative icon: whatever it stands for is said in words beside it or in a label. */
export function icon(name: IconName): TemplateResult {
  return html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">${svg`<path d=${PATHS[name]} />`}</svg>`;
}
