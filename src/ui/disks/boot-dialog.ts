/** Asks how a disk boots when nobody knows: the guest whose kernel and initrd it uses, and its root. */
import { html, nothing, type TemplateResult } from 'lit';
import { live } from 'lit/directives/live.js';
import type { DiskInfo } from '../../embed/disk-library.ts';
import type { Catalog, Guest } from '../home/guest-catalog.ts';
import { ask } from '../shell/dialogs.ts';
import type { DiskBoot } from './boot-memory.ts';
import { bootingGuests, mountsRoot, withRoot } from './disk-boot.ts';

interface RootRow {
  readonly device: string;
  readonly label: string;
}

const ROOTS: readonly RootRow[] = [
  { device: '', label: 'as the guest says' },
  { device: '/dev/vda', label: 'the whole disk (/dev/vda)' },
  { device: '/dev/vda1', label: 'its first partition (/dev/vda1)' },
  { device: '/dev/vda2', label: 'its second partition (/dev/vda2)' },
];

/** Undefined when the user changed their mind, or when no guest here could start it. */
export async function askBoot(
  disk: DiskInfo,
  catalog: Catalog,
  known: DiskBoot | undefined,
): Promise<DiskBoot | undefined> {
  const guests = bootingGuests(catalog);
  if (guests.length === 0) {
    await ask({
      title: `No kernel for ${disk.name}`,
      body: 'The guests of this site have no kernel that could boot a disk. Choose a kernel and an initrd of your own below, and add this disk there.',
      choices: [{ value: 'close', label: 'Close', style: 'primary' }],
    });
    return undefined;
  }
  let guest = guests.find(({ name }) => name === known?.guest) ?? guests.find(mountsRoot) ?? guests[0]!;
  let commandLine = known?.commandLine ?? guest.commandLine;
  const choose = (one: Guest): void => {
    guest = one;
    commandLine = one.commandLine;
  };
  const answer = await ask({
    title: `How does ${disk.name} boot?`,
    body: () => html`
      <fieldset class="radio-list">
        <legend class="visually-hidden">Kernel and initrd</legend>
        ${guests.map(
          (one) => html`<label class="radio-row">
            <input type="radio" name="guest" .checked=${one === guest} @input=${() => choose(one)} />
            <span><strong>${one.title}</strong><small>${guestEffect(one)}</small></span>
          </label>`,
        )}
      </fieldset>
      ${mountsRoot(guest) ? rootField((device) => (commandLine = withRoot(guest.commandLine, device))) : nothing}
      <label class="field"
        ><span class="label">Kernel command line</span>
        <input
          class="input mono"
          autocomplete="off"
          spellcheck="false"
          .value=${live(commandLine)}
          @input=${(event: Event) => (commandLine = (event.target as HTMLInputElement).value)}
        />
      </label>
      <p class="hint">Remembered for this disk; its menu asks again.</p>
    `,
    choices: [
      { value: 'no', label: 'Cancel' },
      { value: 'boot', label: 'Boot', style: 'primary' },
    ],
  });
  if (answer !== 'boot') return undefined;
  const own = commandLine.trim();
  return { guest: guest.name, ...(own === guest.commandLine ? {} : { commandLine: own }) };
}

function guestEffect(guest: Guest): string {
  return mountsRoot(guest)
    ? 'Its kernel starts the system that is on the disk.'
    : 'Starts in memory. The disk is /dev/vda; mount -t ext4 /dev/vda /mnt shows its files.';
}

function rootField(choose: (device: string) => void): TemplateResult {
  return html`<label class="field"
    ><span class="label">The system is on</span>
    <select class="input" @input=${(event: Event) => choose((event.target as HTMLSelectElement).value)}>
      ${ROOTS.map(({ device, label }) => html`<option value=${device}>${label}</option>`)}
    </select>
  </label>`;
}
