// Our formats and kernels behind the kernel door.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "../formats/format.h"
#include "../sparsemark.h"
#include "compression.h"
#include "kernel.h"
#include "plans.h"
#include "threads.h"
#include "tunable.h"

struct sparsemark_matrix {
  sparsemark::Matrix matrix;
  const sparsemark::Format* format = nullptr;
  std::string plan;  // that it was encoded with
};

struct sparsemark_job {
  const sparsemark::Kernel* kernel = nullptr;
  sparsemark::Aligned<std::uint8_t> plan;
  std::vector<sparsemark::Aligned<std::uint8_t>> scratch;
  std::vector<sparsemark::Operands> operands;  // one a thread
  sparsemark::Csr sparse_b;
  sparsemark::Conv conv{};
  std::vector<sparsemark::Shard> shards;   // one a thread
  std::unique_ptr<sparsemark::Team> team;  // only for more than one thread
  // Only for encode and prune.
  std::unique_ptr<sparsemark::Compression> compression;
  sparsemark_matrix made;
  bool is_made = false;
};

namespace sparsemark {
namespace {

void say(sparsemark_message* message, const char* text) {
  if (message != nullptr) std::snprintf(message->text, sizeof(message->text), "%s", text);
}

// Returns nullptr, or why the format declines. May throw std::bad_alloc and std::length_error.
const char* encode_as(const Format& format, const Csr& csr, Matrix& matrix,
                      const std::int32_t* chosen = nullptr) {
  matrix.view.rows = csr.rows;
  matrix.view.cols = csr.cols;
  matrix.view.nnz = csr.nnz;
  if (chosen != nullptr) return format.encode_chosen(csr, chosen, matrix);
  static const bool narrow = has_narrow_vectors();
  if (narrow && format.encode_narrow != nullptr) return format.encode_narrow(csr, matrix);
  return format.encode(csr, matrix);
}

const Format* format_of(const char* name, const char* dtype) {
  for (int f = 0; f < kFormatCount; ++f) {
    const Format& format = *kFormats[f];
    if (std::strcmp(format.name, name) == 0 && std::strcmp(format.dtype, dtype) == 0) return &format;
  }
  return nullptr;
}

// Encodes with what is chosen of the layout, nullptr for nothing. plan: the text that it comes from.
sparsemark_status encode_chosen(const Format& format, const std::int32_t* chosen, const char* plan,
                                const sparsemark_csr* csr, sparsemark_matrix** matrix,
                                sparsemark_encoded* encoded, sparsemark_message* message) {
  try {
    auto made = std::make_unique<sparsemark_matrix>();
    made->format = &format;
    made->plan = plan;
    Matrix& m = made->matrix;
    const Csr in = {csr->rows, csr->cols, csr->nnz, csr->row_offsets, csr->col_indices, csr->values};
    if (const char* reason = encode_as(format, in, m, chosen); reason != nullptr) {
      say(message, reason);
      return SPARSEMARK_UNSUPPORTED;
    }
    *encoded = {m.view.rows,
                m.view.cols,
                m.view.nnz,
                m.footprint.payload_bytes,
                m.footprint.metadata_bytes,
                m.footprint.padding_bytes};
    *matrix = made.release();
    return SPARSEMARK_OK;
  } catch (const std::bad_alloc&) {
    say(message, "out of memory while encoding");
    return SPARSEMARK_OUT_OF_MEMORY;
  } catch (const std::length_error&) {
    say(message, "out of memory while encoding");
    return SPARSEMARK_OUT_OF_MEMORY;
  }
}

sparsemark_status encode(const char* name, const char* dtype, const sparsemark_csr* csr,
                         sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                         sparsemark_message* message) {
  if (const Format* format = format_of(name, dtype); format != nullptr) {
    return encode_chosen(*format, nullptr, "", csr, matrix, encoded, message);
  }
  bool known = false;
  for (int f = 0; f < kFormatCount; ++f) known = known || std::strcmp(kFormats[f]->name, name) == 0;
  say(message, known ? "this format does not store that type" : "unknown format");
  return SPARSEMARK_UNSUPPORTED;
}

// Knobs of a kernel and its format; both nullptr where it cannot be tuned.
Knobs knobs_of(const Kernel& kernel) {
  const Tunable* tunable = tunable_of(kernel);
  if (tunable == nullptr) return {nullptr, nullptr};
  return {format_of(kernel.format, kernel.dtype)->knobs, tunable->knobs};
}

sparsemark_status encode_planned(std::int32_t index, const char* plan, const sparsemark_csr* csr,
                                 sparsemark_matrix** matrix, sparsemark_encoded* encoded,
                                 sparsemark_message* message) {
  const KernelList list = available_kernels();
  if (index < 0 || index >= list.count || tunable_of(*list.kernels[index]) == nullptr) {
    say(message, "this kernel has no plans to choose from");
    return SPARSEMARK_UNSUPPORTED;
  }
  const Kernel& kernel = *list.kernels[index];
  ChosenPlan chosen;
  if (const std::string reason = read_plan(plan, knobs_of(kernel), chosen); !reason.empty()) {
    say(message, reason.c_str());
    return SPARSEMARK_UNSUPPORTED;
  }
  const Format& format = *format_of(kernel.format, kernel.dtype);
  const bool lays_out =
      format.encode_chosen != nullptr && std::any_of(chosen.of_format.begin(), chosen.of_format.end(),
                                                     [](std::int32_t value) { return value != kNotChosen; });
  const std::int32_t* of_format = lays_out ? chosen.of_format.data() : nullptr;
  return encode_chosen(format, of_format, plan, csr, matrix, encoded, message);
}

sparsemark_status decode(const sparsemark_matrix* matrix, float* dense, sparsemark_message*) {
  const Encoded& a = matrix->matrix.view;
  // An empty matrix may come with a null pointer, which memset is not allowed to see.
  std::fill_n(dense, static_cast<std::int64_t>(a.rows) * a.cols, 0.0F);
  matrix->format->decode(matrix->matrix, dense);
  return SPARSEMARK_OK;
}

void free_matrix(sparsemark_matrix* matrix) { delete matrix; }

// Columns that threads share out: a multiple of every vector and of a cache line.
constexpr std::int32_t kColumnStep = 16;

// Columns a thread from which on a line of each row that two threads write to is little beside the rest.
constexpr std::int32_t kApartColumns = 512;

// The unit whose preceding work is nearest to share / parts of the whole: of two units of about the same work
// each of two threads gets one. A unit itself counts as one stored element, for the part of C that must be
// written even where A is empty.
std::int32_t boundary(const Encoded& a, int share, int parts) {
  const auto work_before = [&](std::int32_t unit) { return static_cast<std::int64_t>(a.work[unit]) + unit; };
  const std::int64_t target = work_before(a.units) * share / parts;
  std::int32_t low = 0;
  std::int32_t high = a.units;
  while (low < high) {
    const std::int32_t middle = low + (high - low) / 2;
    if (work_before(middle) < target) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > 0 && target - work_before(low - 1) < work_before(low) - target ? low - 1 : low;
}

// Shares out by stored work or by columns in multiples of step. Every unit and column falls to exactly one
// part.
Shard shard_of(const Encoded& a, std::int32_t n, std::int32_t step, Split split, int part, int parts) {
  // Where rows of C do not begin on lines, threads would write to the same line of each row, and one has the
  // odd vector more: two threads on 1024 x 256 x 196 at density 0.05 ran at 1.1 of one's rate, Zen 5.
  const bool apart = n % step == 0 || n / parts >= kApartColumns;
  const bool wide = (n / parts >= kWideColumns && apart) || a.units < parts;
  if (split == Split::kColumns || (split == Split::kWide && wide)) {
    const std::int64_t steps = (static_cast<std::int64_t>(n) + step - 1) / step;
    const auto edge = [&](int share) {
      const std::int64_t col = steps * share / parts * step;
      return static_cast<std::int32_t>(col < n ? col : n);
    };
    return {0, a.units, edge(part), edge(part + 1)};
  }
  return {boundary(a, part, parts), boundary(a, part + 1, parts), 0, n};
}

// encode and prune stand behind the kernels of the lists: one of each for every format of f32 but dense,
// which a dense matrix is already.
struct Maker {
  const char* op;
  const Format* format;
};

const std::vector<Maker>& makers() {
  static const std::vector<Maker> all = [] {
    std::vector<Maker> list;
    for (const char* op : {"encode", "prune"}) {
      for (int f = 0; f < kFormatCount; ++f) {
        const Format& format = *kFormats[f];
        if (std::strcmp(format.dtype, "f32") == 0 && std::strcmp(format.name, "dense") != 0) {
          list.push_back({op, &format});
        }
      }
    }
    return list;
  }();
  return all;
}

sparsemark_status prepare_maker(const Maker& maker, const sparsemark_product& product, sparsemark_job** job,
                                sparsemark_message* message) {
  const bool prunes = std::strcmp(maker.op, "prune") == 0;
  if (product.threads != 1) {
    say(message, "this kernel runs on one thread only");
    return SPARSEMARK_UNSUPPORTED;
  }
  try {
    auto bound = std::make_unique<sparsemark_job>();
    bound->compression = std::make_unique<Compression>(static_cast<const float*>(product.b), product.rows,
                                                       product.cols, prunes ? product.keep : -1);
    bound->made.format = maker.format;
    // What a format cannot hold is known now; run has nobody to tell.
    if (const char* reason = encode_as(*maker.format, bound->compression->run(), bound->made.matrix);
        reason != nullptr) {
      say(message, reason);
      return SPARSEMARK_UNSUPPORTED;
    }
    if (message != nullptr) message->text[0] = '\0';
    *job = bound.release();
    return SPARSEMARK_OK;
  } catch (const std::bad_alloc&) {
    say(message, "out of memory while preparing");
    return SPARSEMARK_OUT_OF_MEMORY;
  } catch (const std::length_error&) {
    say(message, "out of memory while preparing");
    return SPARSEMARK_OUT_OF_MEMORY;
  }
}

void run_maker(sparsemark_job& job) {
  job.is_made = false;
  try {
    // Nothing is left of the one before: an encoder is measured with its allocations, as a device pays them.
    job.made.matrix = Matrix();
    job.is_made = encode_as(*job.made.format, job.compression->run(), job.made.matrix) == nullptr;
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
}

const sparsemark_matrix* made(const sparsemark_job* job) { return job->is_made ? &job->made : nullptr; }

sparsemark_status prepare(std::int32_t index, const sparsemark_matrix* matrix,
                          const sparsemark_product* product, sparsemark_job** job,
                          sparsemark_message* message) {
  const KernelList list = available_kernels();
  const std::int64_t maker = static_cast<std::int64_t>(index) - list.count;
  if (maker >= 0 && maker < static_cast<std::int64_t>(makers().size())) {
    return prepare_maker(makers()[static_cast<std::size_t>(maker)], *product, job, message);
  }
  if (index < 0 || index >= list.count) {
    say(message, "kernel index out of range");
    return SPARSEMARK_UNSUPPORTED;
  }
  const Kernel& kernel = *list.kernels[index];
  if (std::strcmp(kernel.format, matrix->format->name) != 0 ||
      std::strcmp(kernel.dtype, matrix->format->dtype) != 0) {
    say(message, "the matrix is encoded in another format than the kernel reads");
    return SPARSEMARK_UNSUPPORTED;
  }
  if (product->threads < 1) {
    say(message, "at least one thread is needed");
    return SPARSEMARK_UNSUPPORTED;
  }
  if (std::strcmp(kernel.op, "spmv") == 0 && product->n != 1) {
    say(message, "spmv takes a B of one column");
    return SPARSEMARK_UNSUPPORTED;
  }
  if (kernel.split == Split::kNone && product->threads > 1) {
    say(message, "this kernel runs on one thread only");
    return SPARSEMARK_UNSUPPORTED;
  }
  const char* plan = product->plan == nullptr ? "" : product->plan;
  const Tunable* tunable = product->plan == nullptr ? nullptr : tunable_of(kernel);
  ChosenPlan chosen;
  const std::string refusal = matrix->plan != plan       ? "the matrix was encoded with another plan"
                              : product->plan == nullptr ? ""
                              : tunable == nullptr       ? "this kernel has no plans to choose from"
                                                         : read_plan(plan, knobs_of(kernel), chosen);
  if (!refusal.empty()) {
    say(message, refusal.c_str());
    return SPARSEMARK_UNSUPPORTED;
  }
  try {
    const Encoded& a = matrix->matrix.view;
    auto made = std::make_unique<sparsemark_job>();
    made->kernel = &kernel;
    Operands operands{};
    operands.a = &a;
    operands.b = static_cast<const float*>(product->b);
    operands.c = static_cast<float*>(product->c);
    operands.n = product->n;
    operands.b2 = static_cast<const float*>(product->b2);
    operands.b3 = static_cast<const float*>(product->b3);
    if (const sparsemark_csr* b = product->sparse_b; b != nullptr) {
      made->sparse_b = {b->rows, b->cols, b->nnz, b->row_offsets, b->col_indices, b->values};
      operands.sparse_b = &made->sparse_b;
    }
    if (const sparsemark_conv* c = product->conv; c != nullptr) {
      made->conv = {c->batch,        c->channels, c->height,  c->width,      c->kernel_height,
                    c->kernel_width, c->stride,   c->padding, c->out_height, c->out_width};
      operands.conv = &made->conv;
    }
    operands.b_bytes = static_cast<const std::uint8_t*>(product->b);
    operands.c_integers = static_cast<std::int32_t*>(product->c);
    const Conv* conv = operands.conv;
    const ConvPlanning* planning = conv == nullptr ? nullptr : kernel.conv;
    std::int64_t scratch_bytes = 0;
    if (planning != nullptr) {
      if (planning->plan_bytes != nullptr) {
        made->plan = Aligned<std::uint8_t>(static_cast<std::size_t>(planning->plan_bytes(a, *conv)));
        planning->plan(a, *conv, made->plan.data());
      }
      if (planning->scratch_bytes != nullptr) scratch_bytes = planning->scratch_bytes(a, *conv);
    } else if (tunable != nullptr) {
      made->plan = Aligned<std::uint8_t>(static_cast<std::size_t>(tunable->plan_bytes));
      const char* reason = tunable->plan(a, product->n, chosen.of_kernel.data(), made->plan.data());
      if (reason != nullptr) {
        say(message, reason);
        return SPARSEMARK_UNSUPPORTED;
      }
      scratch_bytes = tunable->scratch_bytes(a, product->n, made->plan.data());
    } else {
      if (kernel.plan_bytes != nullptr) {
        made->plan = Aligned<std::uint8_t>(static_cast<std::size_t>(kernel.plan_bytes(a, product->n)));
        kernel.plan(a, product->n, made->plan.data());
      }
      if (kernel.scratch_bytes != nullptr) scratch_bytes = kernel.scratch_bytes(a, product->n);
    }
    const std::int32_t step = conv == nullptr || pointwise(*conv) ? kColumnStep : conv->out_width;
    for (int part = 0; part < product->threads; ++part) {
      made->scratch.emplace_back(static_cast<std::size_t>(scratch_bytes));
      operands.plan = made->plan.data();
      operands.scratch = made->scratch.back().data();
      made->operands.push_back(operands);
      made->shards.push_back(shard_of(a, product->n, step, kernel.split, part, product->threads));
    }
    if (product->threads > 1) made->team = std::make_unique<Team>(product->threads);
    if (message != nullptr) {
      message->text[0] = '\0';
      if (planning != nullptr) {
        planning->tiling(a, *conv, message->text);
      } else if (tunable != nullptr) {
        tunable->tiling(a, product->n, made->plan.data(), message->text);
      } else if (kernel.tiling != nullptr) {
        kernel.tiling(a, product->n, message->text);
      }
    }
    *job = made.release();
    return SPARSEMARK_OK;
  } catch (const std::bad_alloc&) {
    say(message, "out of memory while preparing");
    return SPARSEMARK_OUT_OF_MEMORY;
  } catch (const std::system_error& error) {
    say(message, error.what());
    return SPARSEMARK_INTERNAL;
  }
}

void run_part(void* context, int part) {
  const sparsemark_job& job = *static_cast<const sparsemark_job*>(context);
  const std::size_t p = static_cast<std::size_t>(part);
  job.kernel->run(job.operands[p], job.shards[p]);
}

void run(sparsemark_job* job) {
  if (job->compression) {
    run_maker(*job);
  } else if (job->team) {
    job->team->run(run_part, job);
  } else {
    job->kernel->run(job->operands[0], job->shards[0]);
  }
}

void free_job(sparsemark_job* job) { delete job; }

// The C table, built once from the two lists.
struct Description {
  std::vector<const char*> formats;
  std::vector<sparsemark_kernel> kernels;
  std::vector<std::string> knob_texts;
  std::vector<const char*> knobs;
  sparsemark_library library{};

  Description() {
    for (int f = 0; f < kFormatCount; ++f) {
      const char* name = kFormats[f]->name;
      const bool listed = std::any_of(formats.begin(), formats.end(),
                                      [&](const char* other) { return std::strcmp(other, name) == 0; });
      if (!listed) formats.push_back(name);
    }
    const KernelList list = available_kernels();
    for (int i = 0; i < list.count; ++i) {
      const Kernel& kernel = *list.kernels[i];
      kernels.push_back({kernel.name, kernel.op, kernel.dtype, kernel.format, kernel.isa,
                         kernel.split == Split::kNone ? 1 : 0, kernel.dense ? SPARSEMARK_KERNEL_DENSE : 0u});
      knob_texts.push_back(knobs_text(knobs_of(kernel)));
    }
    for (const Maker& maker : makers()) {
      const char* name = maker.format->name;
      kernels.push_back({name, maker.op, maker.format->dtype, name, "auto", 1, 0u});
      knob_texts.emplace_back();
    }
    for (const std::string& text : knob_texts) knobs.push_back(text.empty() ? nullptr : text.c_str());
    library.abi_version = SPARSEMARK_ABI_VERSION;
    library.struct_size = sizeof(sparsemark_library);
    library.name = "native";
    library.version = SPARSEMARK_VERSION;
    library.config = SPARSEMARK_COMPILER;
    library.formats = formats.data();
    library.format_count = static_cast<std::int32_t>(formats.size());
    library.kernels = kernels.data();
    library.kernel_count = static_cast<std::int32_t>(kernels.size());
    library.encode = encode;
    library.decode = decode;
    library.free_matrix = free_matrix;
    library.prepare = prepare;
    library.run = run;
    library.free_job = free_job;
    library.made = made;
    library.knobs = knobs.data();
    library.encode_planned = encode_planned;
  }
};

}  // namespace
}  // namespace sparsemark

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message*) {
  static const sparsemark::Description description;
  return &description.library;
}
