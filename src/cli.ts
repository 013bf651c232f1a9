#!/usr/bin/env node
/** Arguments, printing, exit codes; nothing else prints or exits. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import pc from 'picocolors';
import { cacheStates, names, number, numbers, positive, shardName, share } from './command/arguments.ts';
import { buildCommand } from './command/build.ts';
import { dataAddCommand, dataListCommand } from './command/data.ts';
import { listables } from './command/listables.ts';
import { outputOn } from './command/output.ts';
import { plainText } from './report/escape.ts';
import { exitCodes, SparsemarkError } from './terms.ts';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const output = outputOn(process.stdout, process.stderr, pc.isColorSupported);

// A reader that has seen enough (`| head`) closes the pipe; that is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.ok);
  throw error;
});

/** The options of commands that measure: which cells of a suite, with what, and where. */
function measuring(command: Command): Command {
  return command
    .option('--filter <text>', 'only workloads whose id contains this text; * stands for any text')
    .option('--format <names>', 'only these formats, beside dense', names)
    .option(
      '--density <list>',
      'only these densities',
      numbers('densities in 0..1', (value) => value >= 0 && value <= 1),
    )
    .option('--cache <states>', 'only hot or cold', cacheStates)
    .option(
      '--isa <name>',
      'force an instruction set: scalar, avx2, avx512, avx512vnni, avx512fp16, neon, neonfp16',
    )
    .option(
      '--threads <list>',
      'thread counts to measure with (default 1)',
      numbers('thread counts in 1..1024', (value) => positive(value) && value <= 1024),
    )
    .option(
      '--cpus <list>',
      'CPUs to pin to',
      numbers('CPU numbers', (value) => Number.isInteger(value) && value >= 0),
    )
    .option(
      '--n <list>',
      'columns of B for a folder of matrices (default 128)',
      numbers('column counts of at least 1', positive),
    );
}

const program = new Command('sparsemark')
  .description('Where does sparsity pay, in which format, from which density on - on this CPU?')
  .version(version)
  .exitOverride()
  .addHelpText(
    'after',
    `
Examples:
  sparsemark run quick --html           the first look: about a minute and a half, with a page of charts
  sparsemark run ./matrices --n 128     your own .mtx and .smtx files
  sparsemark run layers --format csr --density 0.1
  sparsemark report a.jsonl b.jsonl --as html --out both.html

Exit codes: 0 fine, 1 retry (disk, killed), 2 a wrong answer, a failed case, something slower, 3 machine unfit, 42 bad input,
70 internal error, 130 interrupted.`,
  );

// The commands that draw charts are loaded when they are asked for: their libraries take half a second to load.
let exitCode: number = exitCodes.ok;
const interrupt = new AbortController();

measuring(program.command('run'))
  .description('measure a suite, a suite file (.yaml), or a folder of matrices')
  .argument(
    '<suite>',
    'name of a suite (see: list suites), a .yaml file, or a folder with .mtx and .smtx files',
  )
  .option(
    '--budget <seconds>',
    'stop measuring after this time',
    number('seconds above 0', (value) => value > 0 && value < 1e7),
  )
  .option(
    '--kernels <libraries>',
    'kernel libraries of your own: paths of shared libraries, comma-separated; <name>=<path> gives one another name',
    names,
  )
  .option('--library <names>', 'only these bundled libraries beside ours', names)
  .option(
    '--timeout <seconds>',
    'time limit of one step of a case (default 60)',
    number('seconds above 0', (value) => value > 0 && value < 1e6),
  )
  .option('--out <file>', 'result file (default results/local/<suite>-<time>.jsonl)')
  .option(
    '--tuned',
    'measure kernels with a plan from sparsemark tune a second time with it, as <kernel>-tuned',
  )
  .option('--resume', 'go on with an interrupted run')
  .option('--shard <i/n>', 'only this part of the workloads: one of n machines (see: merge)', shardName)
  .option('--shard-costs <result>', 'split by the times of an earlier run instead of by FLOP')
  .option('--html [file]', 'write the HTML report too')
  .option('--json', 'print the derived figures as JSON')
  .action(async (suite: string, options) => {
    const { runCommand } = await import('./command/run.ts');
    const command = `sparsemark ${process.argv.slice(2).join(' ')}`;
    exitCode = await runCommand(suite, options, output, command, interrupt.signal);
  });

measuring(program.command('tune'))
  .description(
    'try plans for kernels that can be tuned and keep the faster ones for this machine (SPARSEMARK_PLANS)',
  )
  .argument('<suite>', 'name of a suite, a .yaml file, or a folder of matrices, as for run')
  .option(
    '--budget <seconds>',
    'start no further search after this time (default 600)',
    number('seconds above 0', (value) => value > 0 && value < 1e7),
  )
  .option('--kernels <libraries>', 'kernel libraries of your own, as for run', names)
  .option('--json', 'as JSON')
  .action(async (suite: string, options) => {
    const { tuneCommand } = await import('./command/tune.ts');
    exitCode = await tuneCommand(suite, options, output, interrupt.signal);
  });

program
  .command('list')
  .description(`list ${listables.join(', ')}, or the workloads of a suite`)
  .argument('[what]', 'what to list')
  .argument(
    '[name]',
    'with "suite": which one, also where it is called like a list; with "accelerator": the one whose page to show; with "plans": a format',
  )
  .option('--rows <m>', 'with plans: rows of A (default 512)', number('rows of at least 1', positive))
  .option('--cols <k>', 'with plans: columns of A (default 512)', number('columns of at least 1', positive))
  .option('--n <list>', 'with plans: columns of B', numbers('column counts of at least 1', positive))
  .option(
    '--density <list>',
    'with plans: densities of A',
    numbers('densities in 0..1', (value) => value >= 0 && value <= 1),
  )
  .option('--json', 'as JSON')
  .action(async (what: string | undefined, name: string | undefined, options) => {
    const { listCommand } = await import('./command/list.ts');
    exitCode = await listCommand(what, name, options, output);
  });

const data = program.command('data').description('the cache of real matrices (SPARSEMARK_DATA)');
data
  .command('add')
  .description('add the Deep Learning Matrix Collection: data add dlmc <dlmc.tar.gz or folder>')
  .argument('<collection>', 'dlmc')
  .argument('<source>', 'archive or unpacked folder')
  .option('--json', 'as JSON')
  .action(async (collection: string, source: string, options) => {
    exitCode = await dataAddCommand(collection, source, options, output);
  });
data
  .command('list')
  .description('what is in the cache')
  .option('--json', 'as JSON')
  .action((options) => {
    exitCode = dataListCommand(options, output);
  });

program
  .command('report')
  .description('show one result file, or several side by side')
  .argument('<results...>', 'result files (.jsonl)')
  .option('--as <report>', 'terminal, markdown, latex, csv, json, svg or html (default terminal)')
  .option('--out <path>', 'file, or folder where a report is several files')
  .option('--all', 'every kernel at every density')
  .option('--json', 'the same as --as json')
  .action(async (paths: string[], options) => {
    const { reportCommand } = await import('./command/report.ts');
    exitCode = reportCommand(paths, options, output);
  });

program
  .command('merge')
  .description('put the shards of a run together')
  .argument('<results...>', 'result files of run --shard')
  .requiredOption('--out <file>', 'result file; with machines of several kinds one file each')
  .option('--json', 'print the derived figures as JSON')
  .action(async (paths: string[], options) => {
    const { mergeCommand } = await import('./command/merge.ts');
    exitCode = mergeCommand(paths, options, output);
  });

program
  .command('shards')
  .description('write what an engine needs to run the shards of a suite: Slurm, Kubernetes, GitHub Actions')
  .argument('<suite>', 'name or path of a suite, as the machines see it')
  .argument('[run...]', 'after --: further arguments of run')
  .requiredOption('--engine <name>', 'slurm, kubernetes or github')
  .requiredOption('--count <n>', 'number of shards', number('a whole number of at least 1', positive))
  .option('--image <reference>', 'container image that has sparsemark (kubernetes)')
  .option('--command <command>', 'how sparsemark is called there')
  .option('--out <file>', 'file to write (default: standard output)')
  .action(async (suite: string, run: string[], options) => {
    const { shardsCommand } = await import('./command/shards.ts');
    exitCode = shardsCommand(suite, run, options, output);
  });

program
  .command('estimate')
  .description(
    'what a suite, a SCALE-Sim topology (.csv) or a Timeloop problem (.yaml) would cost on accelerators that are not here',
  )
  .argument('<what>', 'name of a suite, a .yaml suite or problem file, or a .csv topology')
  .option(
    '--accelerator <names>',
    "only these: names (see: list accelerators), paths of .yaml files (of ours, or Timeloop architectures) or of SCALE-Sim's .cfg, or this-cpu: this machine by its measured ceilings",
    names,
  )
  .option('--ceilings <file>', 'this-cpu is the machine of this result, instead of this one')
  .option(
    '--activations <density>',
    'density of the activations (default 1)',
    number('a density in 0..1', (value) => value >= 0 && value <= 1),
  )
  .addOption(
    new Option(
      '--mode <mode>',
      'from densities, counted on the real places of the nonzeros, both and how far they differ, or a part counted',
    )
      .choices(['statistical', 'actual', 'both', 'sampled'])
      .default('statistical'),
  )
  .option(
    '--sample <share>',
    'with --mode sampled: the part of a layer that is counted (default 0.1, at least 30 blocks)',
    number('a share above 0, up to 1', (value) => value > 0 && value <= 1),
  )
  .option('--activation-mask <file>', 'with --mode actual or both: nonzeros of the activations (.mtx, .smtx)')
  .option(
    '--density <list>',
    'only these densities of the weights',
    numbers('densities in 0..1', (value) => value >= 0 && value <= 1),
  )
  .option('--filter <text>', 'only layers whose name, or the id of whose workload, contains this text')
  .option('--ert <file>', "Accelergy's ERT.yaml as prices of a generic design, instead of its own table")
  .option('--explain', "each formula's terms, its source and what it was held against")
  .option('--scale-sim <folder>', "of one systolic array: write SCALE-Sim's COMPUTE_REPORT.csv there too")
  .option('--all', 'accelerators with nothing to hold them against too')
  .option('--out <file>', 'result file (default results/local/estimate-<suite>-<time>.jsonl)')
  .option('--json', 'as JSON')
  .action(async (what: string, options) => {
    const { estimateCommand } = await import('./command/estimate.ts');
    const command = `sparsemark ${process.argv.slice(2).join(' ')}`;
    exitCode = await estimateCommand(what, options, output, command, interrupt.signal);
  });

program
  .command('explore')
  .description('the designs of an accelerator that no other beats in both time and energy')
  .argument('<accelerator>', 'name (see: list accelerators) or path of a .yaml file')
  .argument(
    '[what]',
    'suite, .csv topology or Timeloop problem whose layers it runs, all of them together',
    'quick',
  )
  .option(
    '--vary <parameter=values>',
    'again for each parameter: pes=16..1024*2 (doubling), fifoDepth=1..16 (or 1..16+5), runBits=2,4,8; of a generic design any number of its file: levels.RF.depth=256..4096*2',
    (text: string, before: readonly string[]) => [...before, text],
    [] as readonly string[],
  )
  .option(
    '--activations <density>',
    'density of the activations (default 1)',
    number('a density in 0..1', (value) => value >= 0 && value <= 1),
  )
  .option(
    '--density <list>',
    'only these densities of the weights',
    numbers('densities in 0..1', (value) => value >= 0 && value <= 1),
  )
  .option('--filter <text>', 'only layers whose name, or the id of whose workload, contains this text')
  .option(
    '--threads <n>',
    'threads (default all; a generic design takes one)',
    number('threads in 1..1024', (value) => positive(value) && value <= 1024),
  )
  .option('--csv <file>', 'write the front there')
  .option('--html <file>', 'write a page with a chart of the front there')
  .option('--svg <file>', 'write the chart alone there')
  .option('--json', 'as JSON')
  .action(async (accelerator: string, what: string, options) => {
    const { exploreCommand } = await import('./command/explore.ts');
    exitCode = await exploreCommand(accelerator, what, options, output, interrupt.signal);
  });

measuring(program.command('compare'))
  .description(
    'is head slower than base? Two kernel libraries or builds measured in turns, or two result files',
  )
  .argument('<base>', 'shared library, build folder, git revision (with --build), or a result file')
  .argument('[head]', 'the same; left out: <base> is a comparison file to be shown')
  .argument('[suite]', 'name of a suite, a .yaml file, or a folder of matrices')
  .option('--build <command>', 'shell command that builds a git revision, run in a checkout of it')
  .option('--library <path>', 'where the library is in that checkout afterwards')
  .option('--repository <folder>', 'repository of the revisions (default: here)')
  .option('--relinked <library>', 'base linked in another order: what differs from it too is no finding')
  .option('--threshold <percent>', 'slowdown that must be seen (default 5): sets how long is measured', share)
  .option('--margin <percent>', 'slowdown that is no finding (default 1): code layout alone makes it', share)
  .option(
    '--budget <seconds>',
    'stop measuring after this time (default 600)',
    number('seconds above 0', (value) => value > 0 && value < 1e7),
  )
  .option('--seed <n>', 'of the order of cells and sides (default 1)', number('a whole number', positive))
  .option(
    '--timeout <seconds>',
    'time limit of one step of a cell (default 60)',
    number('seconds above 0', (value) => value > 0 && value < 1e6),
  )
  .option('--out <file>', 'comparison file (default results/local/compare-<suite>-<time>.jsonl)')
  .option(
    '--as <report>',
    'terminal, markdown, json, github, google-benchmark, custom-smaller-is-better, bencher or otava (default terminal)',
  )
  .option('--report <file>', 'write the report there, and the terminal one here')
  .option('--json', 'the same as --as json')
  .addHelpText(
    'after',
    `
Example, in any repository with a kernel library:
  sparsemark compare main HEAD quick --build 'make lib' --library build/libkernels.so --filter spmm --as markdown

Exit codes: 0 nothing is slower, 2 a cell is slower, wrong or missing, 3 the machine is too noisy to tell.`,
  )
  .action(async (base: string, head: string | undefined, suite: string | undefined, options) => {
    const { compareCommand } = await import('./command/compare.ts');
    const command = `sparsemark ${process.argv.slice(2).join(' ')}`;
    const operands = [base, head, suite].filter((operand) => operand !== undefined);
    exitCode = await compareCommand(operands, options, output, command, interrupt.signal);
  });

program
  .command('selftest')
  .description('how often does compare call identical code slower here, and which slowdowns does it find?')
  .option(
    '--minutes <n>',
    'how long (default 5); each kind of run is made once at least',
    number('minutes above 0', (value) => value > 0 && value <= 1e4),
  )
  .option('--seed <n>', 'of the choice of cells (default 1)', number('a whole number', positive))
  .option('--json', 'as JSON')
  .action(async (options) => {
    const { selftestCommand } = await import('./command/selftest.ts');
    const command = `sparsemark ${process.argv.slice(2).join(' ')}`;
    exitCode = await selftestCommand(options, output, command, interrupt.signal);
  });

const track = program.command('track').description('the history of a suite: which commit made it slower');
track
  .command('add')
  .description('add a finished run as one line of the history')
  .argument('<result>', 'result file (.jsonl) of a run with the anchor: run <suite> --kernels anchor=<path>')
  .requiredOption('--commit <hash>', 'the landed commit that was measured')
  .requiredOption('--anchor <name>', 'library that stays the same over all commits')
  .option('--library <name>', 'library that is followed (default native)')
  .option('--history <folder>', 'folder of the histories (default results/history)')
  .option('--json', 'as JSON')
  .action(async (path: string, options) => {
    const { trackAddCommand } = await import('./command/track.ts');
    exitCode = trackAddCommand(path, options, output);
  });
for (const [name, description] of [
  ['show', 'every series with its changes'],
  ['changes', 'the commits in which something changed'],
] as const) {
  const command = track
    .command(name)
    .description(description)
    .argument('<suite>', 'name of the suite')
    .option('--machine <fingerprint>', 'which machine, where there are several')
    .option('--filter <text>', 'only cases whose id contains this text; * stands for any text')
    .option('--history <folder>', 'folder of the histories (default results/history)')
    .option('--json', 'as JSON');
  if (name === 'show') command.option('--html <file>', 'write a page with a chart of each series');
  command.action(async (suite: string, options) => {
    const { trackChangesCommand, trackShowCommand } = await import('./command/track.ts');
    exitCode = (name === 'show' ? trackShowCommand : trackChangesCommand)(suite, options, output);
  });
}

program
  .command('doctor')
  .description('is this machine fit to measure on?')
  .option('--json', 'as JSON')
  .action(async (options) => {
    const { doctorCommand } = await import('./command/doctor.ts');
    exitCode = await doctorCommand(options, output);
  });

program
  .command('build')
  .description('compile the addon where the package has no binary for this machine')
  .action(() => {
    exitCode = buildCommand(output);
  });

/** A wrong call names the help of its own command. */
function nameHelp(command: Command, path: string): void {
  command.showHelpAfterError(`(see ${path} --help)`);
  for (const each of command.commands) nameHelp(each, `${path} ${each.name()}`);
}
nameHelp(program, 'sparsemark');

process.on('SIGINT', () => {
  // The second Ctrl-C of somebody who does not want to wait.
  if (interrupt.signal.aborted) process.exit(exitCodes.interrupted);
  interrupt.abort();
});
process.on('SIGTERM', () => interrupt.abort());

try {
  await program.parseAsync();
} catch (error) {
  if (output.isTerminal) output.redraw('');
  if (error instanceof CommanderError) {
    // commander has printed its message; help and version are no errors.
    exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.badInput;
  } else if (error instanceof SparsemarkError) {
    // Of a file, perhaps a stranger's: nothing it says moves the cursor or begins a line. A build's output keeps its lines.
    const message = error.code === 'BAD_LIBRARY' ? error.message : plainText(error.message);
    output.say(`sparsemark: ${message} [${error.code}]`);
    exitCode = error.exitCode;
  } else {
    output.say(
      `sparsemark: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    exitCode = exitCodes.internal;
  }
}
process.exitCode = exitCode;
