/** `sparsemark data`: the cache of real matrices. */
import { exitCodes, SparsemarkError } from '../terms.ts';
import { addDlmc, dataFolderOf, listData } from '../workload/data.ts';
import { asJson, type Output, plainTable } from './output.ts';

/** `data list`. */
export function dataListCommand(options: { readonly json?: boolean }, output: Output): number {
  const collections = listData(dataFolderOf());
  if (options.json === true) {
    output.result(asJson({ folder: dataFolderOf(), collections }));
  } else if (collections.length === 0) {
    output.result(`No data in ${dataFolderOf()}. Add some: sparsemark data add dlmc <dlmc.tar.gz or folder>`);
  } else {
    const rows = collections.map(({ name, matrices }) => [name, String(matrices)]);
    output.result(plainTable([['collection', 'matrices'], ...rows], [1]));
  }
  return exitCodes.ok;
}

/** `data add <collection> <source>`. */
export async function dataAddCommand(
  collection: string,
  source: string,
  options: { readonly json?: boolean },
  output: Output,
): Promise<number> {
  if (collection !== 'dlmc') {
    throw new SparsemarkError(
      'USAGE',
      `Expected the collection dlmc for data add, received "${collection}". Did you mean "dlmc"?`,
    );
  }
  const added = await addDlmc(source, {
    onProgress: ({ phase, done, total }) => {
      if (output.isTerminal) output.redraw(`${phase}: ${done} of ${total}`);
    },
  });
  if (output.isTerminal) output.redraw('');
  output.result(
    options.json === true ? asJson(added) : `Added ${added.matrices} matrices to ${added.folder}.`,
  );
  return exitCodes.ok;
}
