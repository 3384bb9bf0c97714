/** The text that "Copy report" puts on the clipboard: what a maintainer asks for first. Pure. */
import type { ByteSource, DiskOptions, MachineError, MachineOptions, MachineStats } from '../../embed/api.ts';
import { formatBytes, formatCount } from '../shell/format.ts';

export interface ReportInput {
  readonly title: string;
  readonly error: MachineError | undefined;
  readonly options: MachineOptions;
  readonly stats: MachineStats | undefined;
  readonly isolated: boolean;
  readonly userAgent: string;
  readonly log: readonly string[];
  readonly consoleTail: string;
}

const CONSOLE_LINES = 40;
const LOG_LINES = 30;

export function errorReport(input: ReportInput): string {
  const { error, options, stats } = input;
  const sections = [
    section('Bramble report', [
      ['Machine', input.title],
      ['Error', error ? `${error.code}: ${error.message}` : 'none'],
      ['Hint', error?.hint],
      ['Browser', input.userAgent],
      ['Cross-origin isolated', input.isolated ? 'yes' : 'no'],
    ]),
    section('Options', [
      ['Kernel', sourceText(options.kernel)],
      ['Initrd', sourceText(options.initrd)],
      ['Device tree', sourceText(options.dtb)],
      ['Disks', options.disks?.map(diskText).join(', ')],
      ['Command line', options.commandLine],
      ['Memory', options.memoryMiB ? `${options.memoryMiB} MiB` : undefined],
      ['Processor', options.cpu],
      ['Engine', options.engine],
    ]),
    stats &&
      section('Statistics', [
        ['Instructions interpreted', formatCount(stats.instructionsInterpreted)],
        ['Instructions translated', formatCount(stats.instructionsTranslated)],
        ['Exceptions', formatCount(stats.exceptions)],
        ['Wall seconds', stats.wallSeconds.toFixed(1)],
      ]),
    block('Details', error?.details),
    block('Engine log', input.log.slice(-LOG_LINES).join('\n')),
    block('Console, last lines', input.consoleTail.split('\n').slice(-CONSOLE_LINES).join('\n')),
  ];
  return sections.filter((text) => text).join('\n\n');
}

function section(title: string, rows: readonly (readonly [string, string | undefined])[]): string {
  const lines = rows.filter(([, value]) => value).map(([name, value]) => `${name}: ${value}`);
  return [`## ${title}`, ...lines].join('\n');
}

function block(title: string, text: string | undefined): string | undefined {
  return text ? `## ${title}\n${text}` : undefined;
}

function diskText(disk: DiskOptions): string {
  const name = 'library' in disk ? `library disk ${disk.library}` : (sourceText(disk.source) ?? '');
  return disk.mode === undefined ? name : `${name}, ${disk.mode}`;
}

/** Names a source without its bytes; a file's name says enough, and its contents are the user's. */
function sourceText(source: ByteSource | undefined): string | undefined {
  if (source === undefined || typeof source === 'string') return source;
  if (source instanceof Uint8Array) return formatBytes(source.byteLength);
  const name = source instanceof File ? source.name : 'file';
  return `${name} (${formatBytes(source.size)})`;
}
