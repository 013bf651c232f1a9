// Messages between a runner and the process that started it. A message is a number of words of eight bytes
// and then that many words; every field begins on a word. A number is a double; text and arrays are their
// length in bytes and then those, up to a whole word. src/measure/backends/frames.ts writes and reads the
// same.
#pragma once

#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

namespace sparsemark::runner {

// Reads or writes `bytes` bytes, however many calls that takes. False at the end of the stream.
template <typename Byte, typename Call>
bool transfer(int descriptor, Byte* data, std::size_t bytes, Call call) {
  while (bytes > 0) {
    const ssize_t done = call(descriptor, data, bytes);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    data += done;
    bytes -= static_cast<std::size_t>(done);
  }
  return true;
}

// A message that came in; its fields are read in order. What a field points to lives until the next receive.
class Incoming {
 public:
  // False where the other side is gone. Throws std::bad_alloc.
  bool receive(int descriptor) {
    double words = 0.0;
    if (!transfer(descriptor, reinterpret_cast<char*>(&words), sizeof(words), read)) return false;
    words_.resize(static_cast<std::size_t>(words));
    next_ = 0;
    return transfer(descriptor, reinterpret_cast<char*>(words_.data()), words_.size() * sizeof(double), read);
  }

  double number() { return words_[take(1)]; }

  // A whole number of that type. Throws std::out_of_range.
  template <typename Whole>
  Whole whole() {
    const double value = number();
    if (!(value >= 0.0 && value <= static_cast<double>(std::numeric_limits<Whole>::max()))) {
      throw std::out_of_range("a number of a message");
    }
    return static_cast<Whole>(value);
  }

  std::string text() {
    std::size_t length = 0;
    const char* data = array<char>(length);
    return {data, length};
  }

  // `length`: elements.
  template <typename Element>
  const Element* array(std::size_t& length) {
    const auto bytes = whole<std::size_t>();
    length = bytes / sizeof(Element);
    return reinterpret_cast<const Element*>(words_.data() +
                                            take((bytes + sizeof(double) - 1) / sizeof(double)));
  }

 private:
  std::size_t take(std::size_t words) {
    if (words > words_.size() - next_) throw std::out_of_range("a field of a message");
    const std::size_t at = next_;
    next_ += words;
    return at;
  }

  std::vector<double> words_;
  std::size_t next_ = 0;
};

// A message to send.
class Outgoing {
 public:
  Outgoing& number(double value) {
    words_.push_back(value);
    return *this;
  }
  Outgoing& array(const void* data, std::size_t bytes) {
    number(static_cast<double>(bytes));
    const std::size_t at = words_.size();
    words_.resize(at + (bytes + sizeof(double) - 1) / sizeof(double));
    if (bytes > 0) std::memcpy(words_.data() + at, data, bytes);
    return *this;
  }
  Outgoing& text(const std::string& value) { return array(value.data(), value.size()); }

  // False where the other side is gone.
  bool send(int descriptor) {
    words_[0] = static_cast<double>(words_.size() - 1);
    return transfer(descriptor, reinterpret_cast<const char*>(words_.data()), words_.size() * sizeof(double),
                    write);
  }

 private:
  std::vector<double> words_{0.0};  // the first is their number
};

}  // namespace sparsemark::runner
