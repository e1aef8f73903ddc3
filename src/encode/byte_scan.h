// Looking through bytes of CSV at memory speed: AVX2 where the processor has it, else plain code.
// All pure; any thread.
#ifndef VESTO_ENCODE_BYTE_SCAN_H_
#define VESTO_ENCODE_BYTE_SCAN_H_

#include <cstddef>
#include <string_view>

namespace vesto {

// What only values contain that Redshift's COPY cannot take, as PostgreSQL prints them.
enum Suspect : unsigned {
  kSuspectNan = 1,         // a bare field NaN
  kSuspectInfinity = 2,    // a bare field [-]Infinity or [-]infinity
  kSuspectBc = 4,          // a bare field that ends with " BC"
  kSuspectWideYear = 8,    // a bare field that begins with five or more digits and "-MM-"
  kSuspectNulEscape = 16,  // \u0000 anywhere
};

// The first offset >= `from` at which one of the suspects in `what` (a sum of Suspect) stands;
// npos if there is none. It may take an innocent text for one, never miss one. The offset lies
// inside the field.
size_t find_suspect(std::string_view bytes, size_t from, unsigned what);

size_t count_byte(std::string_view bytes, char wanted);

// The first offset of `text` in `bytes`, or npos. Faster than find() on a text that is not there.
size_t find_text(std::string_view bytes, std::string_view text);

namespace internal {
// The two ways, for tests that compare them. The AVX2 ones fall back by themselves.
size_t find_suspect_plain(std::string_view bytes, size_t from, unsigned what);
size_t count_byte_plain(std::string_view bytes, char wanted);
}  // namespace internal

}  // namespace vesto

#endif  // VESTO_ENCODE_BYTE_SCAN_H_
