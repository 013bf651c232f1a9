/** Why kernels of ours choose what they choose: the words of their plans, as results and `list plans` have them. */

/** What each part of a plan is for. A part is known by its form; `words` stands for it in a legend. */
export const planReasons: readonly {
  readonly form: RegExp;
  readonly words: string;
  readonly reason: string;
}[] = [
  {
    form: /^(rows \d+|\d+ rows?) x \d+ vectors?( of \d+ columns?)?$/,
    words: 'R rows x V vectors',
    reason:
      'sums of R rows and V vectors of columns of C stay in registers, where a value of A is broadcast once for V vectors; fewer where a wide tile of B would leave L1 and L2, and of equal width over all of C',
  },
  {
    form: /^k \d+$/,
    words: 'k K',
    reason:
      'a block is K columns of A, whose rows of B stay near L1 while the rows of A pass by; wider where A is sparser: a row pays a load and a store of C in each block, and should meet 10 nonzeros there; wider, too, where the widest vectors are those of AVX2, for whose tiles a row of B takes fewer bytes',
  },
  {
    form: /^f16 sums of \d+$/,
    words: 'f16 sums of N',
    reason:
      'N products at the most are added up in f16, then in f32: the error stays that of N roundings, however long the row',
  },
  {
    form: /^groups of \d+( by \d+)?$/,
    words: 'groups of G (by U)',
    reason:
      'what threads share out are groups of G rows; by U: so many at a time pass through all blocks, since their panel of C then stays in L2',
  },
  {
    form: /^B copied$/,
    words: 'B copied',
    reason:
      'the tile of B goes to scratch first: its rows begin off a vector, or lie a power of two apart and fall into the same sets of L1, or, on AVX2 and where L3 is near, are met so often that a tile whose rows lie side by side pays',
  },
  {
    form: /^\d+ columns? alone$/,
    words: 'N columns alone',
    reason:
      'so few columns are left over after whole vectors that each is multiplied by itself, the elements of a block in a vector, for less than a vector of columns that is nearly empty',
  },
  {
    form: /^\d+ rows of B copied$/,
    words: 'R rows of B copied',
    reason:
      'R rows of B at a time, copied, lie on lines and stay in L1 while all columns of A pass by, which are long enough to pay for sums that are added to in C',
  },
  {
    form: /^B fetched ahead$/,
    words: 'B fetched ahead',
    reason: 'what is used leaves L2: the next rows of B come while these are used',
  },
  {
    form: /^C held$/,
    words: 'C held',
    reason:
      'sums stay in scratch until the last block: C is written more than once, and its rows lie badly or it leaves L2',
  },
  {
    form: /^(half of )?C streamed$/,
    words: 'C streamed',
    reason:
      'C is written once and leaves L2 anyway: past the caches; half of it, every other row, where the product is faster than memory and L3 is near',
  },
  {
    form: /^blocks of \d+ columns$/,
    words: 'blocks of N columns',
    reason: 'so many columns of the answer at a time, whose packed operand stays in L2',
  },
  {
    form: /^columns \d+$/,
    words: 'columns N',
    reason: 'columns of B in a block that is packed; C is added to in cache between blocks',
  },
  {
    form: /^[AB] in L2$/,
    words: 'A or B in L2',
    reason: 'A stays in L2 if it fits and B streams by; else a block of B stays, as large as fits',
  },
  {
    form: /^\d+ keys x \d+ queries$/,
    words: 'K keys x Q queries',
    reason:
      'the tile of scores in registers: a key is broadcast, a vector holds a score for each of its queries',
  },
  {
    form: /^\d+ rows?$/,
    words: 'R rows',
    reason: 'so many rows of A at a time: 16 fill the lanes of vectors, 4 or 8 share what is read of B',
  },
  {
    form: /^\d+ rows of A x \d+ vectors$/,
    words: 'R rows of A x V vectors',
    reason:
      'A is read once, from far: so many of its vectors are loads in flight and sums that do not wait for each other, and a vector of B serves R rows',
  },
  {
    form: /^\d+ chains? of sums$/,
    words: 'C chains of sums',
    reason:
      'so many sums a row take turns, because a gather and an FMA take longer than a turn; they are added up at its end',
  },
  {
    form: /^\d+ sums$/,
    words: 'N sums',
    reason:
      'each element of a block has a sum of its own, so that values are multiplied as they lie; the sums of a row are added up at the end of the block row',
  },
  {
    form: /^B gathered$/,
    words: 'B gathered',
    reason:
      'elements of B lie apart, and this CPU gathers a vector of them faster than it loads them one by one',
  },
  {
    form: /^B by single loads$/,
    words: 'B by single loads',
    reason: 'elements of B lie apart, and this CPU has no gather or a slow one',
  },
  {
    form: /^B in registers$/,
    words: 'B in registers',
    reason: 'a block of B fits into registers, where a permutation picks a vector of its elements: no loads',
  },
  {
    form: /^B in place$/,
    words: 'B in place',
    reason: 'the format says which neighbours of B are met: they are loaded as they lie',
  },
  {
    form: /^x made dense$/,
    words: 'x made dense',
    reason: 'the nonzeros of x go to scratch first, in each evaluation: then x is read as any B',
  },
  {
    form: /^C scattered$/,
    words: 'C scattered',
    reason:
      'each product is added to its element of C by itself: that is the order in which the format has them',
  },
  {
    form: /^sums in scratch$/,
    words: 'sums in scratch',
    reason: 'C is written once at the end: threads that add to neighbours in C would fight for its lines',
  },
  {
    form: /^groups of \d+ products$/,
    words: 'groups of G products',
    reason: 'a row of X is loaded once for G rows of Y, and the lanes of their G sums are added up together',
  },
  {
    form: /^\d+ rows? of \d+ floats$/,
    words: 'R rows of P floats',
    reason:
      'a tile is R rows of outputs, P floats apart: the most whose part of the input, copied, stays in cache; P beyond the width where rows that begin on vectors save more than their empty lanes cost',
  },
  {
    form: /^\d+ vectors$/,
    words: 'V vectors',
    reason: 'vectors of outputs in a tile, which each nonzero passes in panels of registers',
  },
  {
    form: /^\d+ copies of the input$/,
    words: 'C copies of the input',
    reason:
      'a column of the kernel, and a class of its rows, has a copy in which its inputs begin on vectors: loads that split a cache line take twice the time',
  },
];
