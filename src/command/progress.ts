/** Progress of a run on standard error: one line redrawn in a terminal, plain lines now and then elsewhere. */
import type { RunEvent } from '../measure/run.ts';
import { type Output, shortened } from './output.ts';

/** Seconds between two lines where nothing can be redrawn. */
const plainIntervalSeconds = 10;

/** `3:07`, `1:02:03`. */
export function clockText(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A listener for work in parts, whose number is known: each is told before it begins. */
export function partsProgressOf(output: Output): (index: number, total: number, name: string) => void {
  let last = performance.now();
  return (index, total, name) => {
    const text = `[${String(index + 1).padStart(String(total).length)}/${total}] ${name}`;
    if (output.isTerminal) return output.redraw(text);
    if (performance.now() - last < 1000 * plainIntervalSeconds) return;
    last = performance.now();
    output.say(text);
  };
}

/** A listener for the events of a run. Events come between timed sections only, so drawing disturbs no sample. */
export function progressOf(output: Output): (event: RunEvent) => void {
  let lastPlain = Number.NEGATIVE_INFINITY;
  const line = (text: string): void => {
    if (output.isTerminal) output.redraw('');
    output.say(text);
  };
  return (event) => {
    switch (event.kind) {
      case 'preparing':
        if (output.isTerminal) output.redraw(`preparing: ${event.what}`);
        else output.say(`preparing: ${event.what}`);
        break;
      case 'ready': {
        const { libraries, machine, suite, protocol } = event.header;
        const pinned =
          protocol.pinnedCpus.length > 0 ? `pinned to CPU ${protocol.pinnedCpus.join(', ')}` : 'not pinned';
        line(`${machine.cpuBrand}, ${protocol.threads.join(' and ')} thread(s), ${pinned}`);
        line(`libraries: ${libraries.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
        for (const unfit of event.header.health.filter((entry) => !entry.healthy)) {
          line(
            `baseline not healthy: ${unfit.library} reaches ${Math.round(unfit.ofBest * 100)} % of the fastest dense kernel; no speed-up is taken against it`,
          );
        }
        line(
          `suite ${suite.name} ${suite.version}, ${suite.workloadCount} workloads, digest ${suite.digest.slice(0, 12)}`,
        );
        if (event.resumed > 0) line(`going on: ${event.resumed} workloads were finished before`);
        break;
      }
      case 'workload': {
        const { index, total, elapsedSeconds, remainingSeconds } = event;
        const count = `[${String(index + 1).padStart(String(total).length)}/${total}]`;
        const times = `${clockText(elapsedSeconds)} elapsed, about ${clockText(remainingSeconds)} to go`;
        if (output.isTerminal) {
          const room = output.lineWidth - count.length - times.length - 3;
          const name = room < 12 ? '' : ` ${shortened(event.workload, room)}`;
          output.redraw(`${count}${name}  ${times}`);
        } else if (elapsedSeconds - lastPlain >= plainIntervalSeconds) {
          lastPlain = elapsedSeconds;
          output.say(`${count} ${event.workload}  ${times}`);
        }
        break;
      }
      case 'measured':
        for (const measurement of event.measurements) {
          if (measurement.status === 'wrong') line(`WRONG ${measurement.id}: ${measurement.detail}`);
          if (measurement.status === 'failed') {
            line(
              `FAILED ${measurement.id}: ${measurement.reason}${measurement.detail === '' ? '' : `, ${measurement.detail}`}`,
            );
          }
        }
        break;
      case 'sorted':
        line(
          `${event.workload}: ${event.entries} entries of the file were out of order and have been sorted`,
        );
        break;
      case 'refining':
        line(`refining the crossovers: ${event.workloads} more workloads`);
        lastPlain = Number.NEGATIVE_INFINITY;
        break;
    }
  };
}
