/** How every program here starts Chromium: the command line, tools and browser tests. */

/** A sandbox needs rights that containers lack; the rest keeps the browser from talking to the network. */
export const CHROMIUM_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
