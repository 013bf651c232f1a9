// The runner: a process that holds one kernel library and obeys the process that started it. A comparison
// starts one for every layout of memory that it wants to see, and a process with Node in it takes 0.1 s of
// its core to start; this one answers 7 ms after it was asked for (the middle of 25).
//
//   sparsemark-runner <library> <memory limit in bytes> <patience in seconds> [<socket to wait at>]
//
// Requests come and replies go through file descriptor 3: libraries may print what they like. A reply begins
// with 1, or with 0 and then the code and the words of an error.

#include <signal.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../door.h"
#include "../operands.h"
#include "../shared_pages.h"
#include "../timing/process.h"
#include "../timing/stopwatch.h"
#include "../timing/turns.h"
#include "array_range.h"
#include "frames.h"
#include "shared_arrays.h"

namespace {

using namespace sparsemark;
using runner::ArraysInRange;
using runner::Incoming;
using runner::Outgoing;
using runner::SharedArrays;

constexpr int kChannel = 3;

// What is asked, in the order of `requests` in src/measure/backends/runner.ts.
enum class Request : std::uint32_t { kProblem, kEncode, kPrepare, kAnswer, kTime, kTurns, kRelease };

// A and the operands as they were sent. The arrays lie in the message that brought them.
struct Problem {
  Incoming message;
  std::unique_ptr<SharedPages> pages;
  std::unique_ptr<SharedArrays> weights;
  sparsemark_csr a{};
  HostOperands operands;
  sparsemark_csr sparse_b{};
  sparsemark_conv conv{};
  std::int64_t keep = 0;
  std::size_t b_bytes = 0;
  std::size_t b2_bytes = 0;
  std::size_t b3_bytes = 0;
};

// What was made for the parent, by the number that it calls it by.
class Runner {
 public:
  explicit Runner(const std::string& path) : library_(Library::open(path)) {}

  // Does what the message asks; fills the reply.
  void obey(Incoming& message, Outgoing& reply) {
    switch (static_cast<Request>(message.whole<std::uint32_t>())) {
      case Request::kProblem:
        return take_problem(message);
      case Request::kEncode:
        return encode(message, reply);
      case Request::kPrepare:
        return prepare(message, reply);
      case Request::kAnswer:
        return answer(message, reply);
      case Request::kTime:
        return time(message, reply);
      case Request::kTurns:
        return turns(message, reply);
      case Request::kRelease:
        return release(message);
    }
    throw std::out_of_range("a request");
  }

 private:
  static sparsemark_csr csr(Incoming& message) {
    sparsemark_csr out{};
    std::size_t offsets = 0;
    std::size_t nnz = 0;
    out.rows = message.whole<std::int32_t>();
    out.cols = message.whole<std::int32_t>();
    out.row_offsets = message.array<std::int32_t>(offsets);
    out.col_indices = message.array<std::int32_t>(nnz);
    out.values = message.array<float>(nnz);
    out.nnz = static_cast<std::int32_t>(nnz);
    if (offsets != static_cast<std::size_t>(out.rows) + 1 || out.row_offsets[out.rows] != out.nnz) {
      throw std::out_of_range("a matrix of a message");
    }
    return out;
  }

  // The problem before, its matrices and its jobs are forgotten.
  void take_problem(Incoming& message) {
    jobs_.clear();
    matrices_.clear();
    problem_ = {};
    std::swap(problem_.message, message);
    Incoming& from = problem_.message;
    problem_.a = csr(from);
    HostOperands& operands = problem_.operands;
    operands.n = from.whole<std::int32_t>();
    problem_.keep = from.whole<std::int64_t>();
    operands.b = from.array<unsigned char>(problem_.b_bytes);
    operands.b2 = from.array<unsigned char>(problem_.b2_bytes);
    operands.b3 = from.array<unsigned char>(problem_.b3_bytes);
    if (from.whole<std::uint32_t>() != 0) {
      problem_.sparse_b = csr(from);
      operands.sparse_b = &problem_.sparse_b;
    }
    std::size_t fields = 0;
    const auto* geometry = from.array<std::int32_t>(fields);
    if (fields == sizeof(sparsemark_conv) / sizeof(std::int32_t)) {
      std::memcpy(&problem_.conv, geometry, sizeof(sparsemark_conv));
      operands.conv = &problem_.conv;
    }
    const std::string operands_at = from.text();
    if (!operands_at.empty()) problem_.pages = std::make_unique<SharedPages>(operands_at);
    operands.pages = problem_.pages.get();
    const std::string weights_at = from.text();
    if (!weights_at.empty()) problem_.weights = std::make_unique<SharedArrays>(weights_at);
  }

  // id, format, dtype -> payload, metadata and padding bytes, nanoseconds
  void encode(Incoming& message, Outgoing& reply) {
    const auto id = message.whole<std::uint32_t>();
    const std::string format = message.text();
    const std::string dtype = message.text();
    if (problem_.a.row_offsets == nullptr) throw std::logic_error("no problem was sent");
    const ArraysInRange in_range(problem_.weights != nullptr);
    auto made = std::make_shared<HostMatrix>(library_, format, dtype, problem_.a);
    const sparsemark_encoded& encoded = made->encoded();
    reply.number(static_cast<double>(encoded.payload_bytes))
        .number(static_cast<double>(encoded.metadata_bytes))
        .number(static_cast<double>(encoded.padding_bytes))
        .number(made->encode_ns());
    matrices_[id] = std::move(made);
  }

  // id, kernel, threads, number of matrices, their ids -> tiling, nanoseconds
  void prepare(Incoming& message, Outgoing& reply) {
    const auto id = message.whole<std::uint32_t>();
    const auto kernel = message.whole<std::int32_t>();
    if (kernel >= library_->table().kernel_count) throw std::out_of_range("a kernel");
    HostOperands operands = problem_.operands;
    operands.threads = message.whole<std::int32_t>();
    std::vector<std::shared_ptr<HostMatrix>> matrices(message.whole<std::uint32_t>());
    for (auto& matrix : matrices) matrix = matrices_.at(message.whole<std::uint32_t>());
    if (matrices.empty()) {
      operands.rows = problem_.a.rows;
      operands.cols = problem_.a.cols;
      operands.keep = problem_.keep;
    }
    const OperandSizes sizes =
        sizes_of(*library_, kernel, matrices.empty() ? nullptr : matrices[0].get(), operands);
    const auto fits = [](const OperandSize& size, std::size_t bytes) {
      return size.element == Element::kNone || bytes == size.length * bytes_of(size.element);
    };
    if (!fits(sizes.b, problem_.b_bytes) || !fits(sizes.b2, problem_.b2_bytes) ||
        !fits(sizes.b3, problem_.b3_bytes) || (sizes.sparse_b && operands.sparse_b == nullptr)) {
      throw std::out_of_range("an operand of a message");
    }
    const ArraysInRange in_range(problem_.weights != nullptr);
    auto made = std::make_unique<HostJob>(library_, std::move(matrices), kernel, operands);
    if (problem_.weights != nullptr) problem_.weights->share();
    reply.text(made->tiling()).number(made->prepare_ns());
    jobs_[id] = std::move(made);
  }

  HostJob& job(Incoming& message) { return *jobs_.at(message.whole<std::uint32_t>()); }

  // id -> Element, bytes
  void answer(Incoming& message, Outgoing& reply) {
    HostJob& asked = job(message);
    const std::vector<unsigned char> bytes = asked.answer();
    reply.number(static_cast<double>(asked.element())).array(bytes.data(), bytes.size());
  }

  // id, warm-ups, evaluations -> nanoseconds an evaluation
  void time(Incoming& message, Outgoing& reply) {
    HostJob& asked = job(message);
    const auto warmups = message.whole<std::int32_t>();
    reply.number(time_evaluations(asked, warmups, message.whole<std::int32_t>()));
  }

  // id, fields of Turns -> nanoseconds an evaluation of each batch, none where the other side was not there
  void turns(Incoming& message, Outgoing& reply) {
    HostJob& asked = job(message);
    Turns how;
    how.path = message.text();
    how.meeting = message.whole<std::uint32_t>();
    how.waits = message.whole<std::uint32_t>() != 0;
    how.first = message.whole<std::uint32_t>() != 0;
    how.turns = message.whole<std::int32_t>();
    how.warmups = message.whole<std::int32_t>();
    how.batches = message.whole<std::int32_t>();
    how.evaluations = message.whole<std::int32_t>();
    how.slowdown = message.number();
    std::vector<double> batches_ns(static_cast<std::size_t>(how.turns) *
                                   static_cast<std::size_t>(how.batches));
    if (!take_turns(asked, how, batches_ns.data())) batches_ns.clear();
    reply.array(batches_ns.data(), batches_ns.size() * sizeof(double));
  }

  void release(Incoming& message) {
    const auto id = message.whole<std::uint32_t>();
    jobs_.erase(id);
    matrices_.erase(id);
  }

  std::shared_ptr<Library> library_;
  Problem problem_;
  std::map<std::uint32_t, std::shared_ptr<HostMatrix>> matrices_;
  std::map<std::uint32_t, std::unique_ptr<HostJob>> jobs_;
};

// Runs a step; what it throws becomes the reply.
template <typename Step>
bool reply_to(Step step) {
  const auto refused = [](const char* code, const char* words) {
    return Outgoing().number(0.0).text(code).text(words).send(kChannel);
  };
  try {
    Outgoing reply;
    reply.number(1.0);
    step(reply);
    return reply.send(kChannel);
  } catch (const DoorError& error) {
    return refused(error.code, error.what());
  } catch (const std::bad_alloc&) {
    return refused("OUT_OF_MEMORY", "out of memory");
  } catch (const std::length_error&) {
    return refused("OUT_OF_MEMORY", "more elements than memory can have");
  } catch (const std::system_error& error) {
    // A thread or a socket that the system does not grant.
    return refused("OUT_OF_MEMORY", error.what());
  } catch (const std::exception& error) {
    return refused("INTERNAL", error.what());
  }
}

}  // namespace

int main(int count, char** words) {
  if (count < 4) return 42;
  // Ctrl-C reaches the whole process group; the parent decides when a runner ends.
  signal(SIGINT, SIG_IGN);
  become_worker({}, std::strtod(words[2], nullptr));
  // A kernel that never returns ends this process by itself where the system does not end it with its parent.
  const auto patience = static_cast<unsigned>(std::strtoul(words[3], nullptr, 10));
  std::unique_ptr<Runner> own;
  bool is_asked = reply_to([&](Outgoing&) {
    if (count > 4) wait_at(words[4]);
    own = std::make_unique<Runner>(words[1]);
  });
  Incoming message;
  while (is_asked && own != nullptr && message.receive(kChannel)) {
    alarm(patience);
    is_asked = reply_to([&](Outgoing& reply) { own->obey(message, reply); });
    alarm(0);
  }
  // No destructors: a library's threads may be at work, and the system frees everything faster.
  std::_Exit(0);
}
