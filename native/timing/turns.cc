#include "turns.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <system_error>

#include "stopwatch.h"

namespace sparsemark {
namespace {

constexpr double kPatienceNs = 10e9;
// The one socket at which this process waits.
int listener = -1;

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {
    if (descriptor_ < 0) return;
    fcntl(descriptor_, F_SETFD, FD_CLOEXEC);
#if defined(SO_NOSIGPIPE)
    const int on = 1;
    setsockopt(descriptor_, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof(on));
#endif
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }

  int descriptor() const { return descriptor_; }
  int release() {
    const int descriptor = descriptor_;
    descriptor_ = -1;
    return descriptor;
  }

  // Hands the turn over. False where the other side is gone.
  bool pass() const { return sent('t'); }

  // Sleeps until the turn comes. False where the other side is gone: a process that dies closes its end.
  bool await() const {
    char turn = 0;
    return received(turn);
  }

  // Few bytes, which arrive as they were sent. False where the other side is gone.
  template <typename Word>
  bool sent(const Word& word) const {
#if defined(MSG_NOSIGNAL)
    constexpr int kFlags = MSG_NOSIGNAL;
#else
    constexpr int kFlags = 0;
#endif
    ssize_t done = 0;
    do {
      done = send(descriptor_, &word, sizeof(word), kFlags);
    } while (done < 0 && errno == EINTR);
    return done == sizeof(word);
  }
  template <typename Word>
  bool received(Word& word) const {
    ssize_t done = 0;
    do {
      done = recv(descriptor_, &word, sizeof(word), 0);
    } while (done < 0 && errno == EINTR);
    return done == sizeof(word);
  }

 private:
  int descriptor_;
};

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.find('\0') != std::string::npos) {
    throw std::system_error(EINVAL, std::generic_category(), "a socket's path");
  }
  if (path.size() >= sizeof(address.sun_path)) {
    throw std::system_error(ENAMETOOLONG, std::generic_category(), path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  return address;
}

int new_socket() {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
  if (descriptor < 0) throw std::system_error(errno, std::generic_category(), "a socket");
  return descriptor;
}

// Sleeps until something can be read or a connection taken; a signal does not end it. False where nothing
// came.
bool is_readable(int descriptor, double until_ns) {
  for (double left_ns = until_ns - now_ns(); left_ns > 0.0; left_ns = until_ns - now_ns()) {
    pollfd waiting = {descriptor, POLLIN, 0};
    if (poll(&waiting, 1, static_cast<int>(left_ns / 1e6) + 1) > 0) return true;
  }
  return false;
}

// A connection on which the other side has answered; -1 where nobody comes in time. A side that came for an
// earlier meeting and died leaves its connection in the queue, and one that is about to die answers still, so
// that one is tried after the other.
int meet_as_host(std::uint32_t meeting) {
  if (listener < 0) return -1;
  const double until_ns = now_ns() + kPatienceNs;
  while (is_readable(listener, until_ns)) {
    Socket guest(accept(listener, nullptr, nullptr));
    if (guest.descriptor() < 0) continue;
    std::uint32_t came_for = 0;
    if (guest.pass() && guest.received(came_for) && came_for == meeting) return guest.release();
  }
  return -1;
}

int meet_as_guest(const std::string& path, std::uint32_t meeting) {
  const sockaddr_un address = address_of(path);
  Socket host(new_socket());
  if (connect(host.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
    return -1;
  // A host that is never asked to take turns leaves its guest in the queue.
  if (!is_readable(host.descriptor(), now_ns() + kPatienceNs)) return -1;
  return host.await() && host.sent(meeting) ? host.release() : -1;
}

}  // namespace

void wait_at(const std::string& path) {
  const sockaddr_un address = address_of(path);
  Socket opened(new_socket());
  struct stat left = {};
  if (lstat(path.c_str(), &left) == 0 && S_ISSOCK(left.st_mode)) unlink(path.c_str());
  if (bind(opened.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(opened.descriptor(), 8) != 0) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  if (listener >= 0) close(listener);
  listener = opened.release();
}

bool take_turns(HostJob& job, const Turns& turns, double* samples_ns) {
  const Socket other(turns.waits ? meet_as_host(turns.meeting) : meet_as_guest(turns.path, turns.meeting));
  if (other.descriptor() < 0) return false;
  for (int turn = 0; turn < turns.turns; ++turn) {
    if (!turns.first && !other.await()) return false;
    for (int batch = 0; batch < turns.batches; ++batch) {
      *samples_ns++ =
          time_evaluations(job, batch == 0 ? turns.warmups : 0, turns.evaluations, turns.slowdown);
    }
    if (!other.pass()) return false;
    // After its last turn too: what follows in this process would take the core from the other's last one.
    if (turns.first && !other.await()) return false;
  }
  return true;
}

}  // namespace sparsemark
