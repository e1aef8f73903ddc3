#include "encode/byte_scan.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace vesto {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool field_begins(std::string_view bytes, size_t at) {
  return at == 0 || bytes[at - 1] == ',' || bytes[at - 1] == '\n';
}

bool field_ends(std::string_view bytes, size_t at) {
  return at >= bytes.size() || bytes[at] == ',' || bytes[at] == '\n';
}

bool nan_at(std::string_view bytes, size_t at) {
  return bytes.substr(at, 3) == "NaN" && field_begins(bytes, at) && field_ends(bytes, at + 3);
}

// `at` is the n of "nfinity".
bool infinity_at(std::string_view bytes, size_t at) {
  if (bytes.substr(at, 7) != "nfinity" || at == 0 || !field_ends(bytes, at + 7)) return false;
  size_t begin = at - 1;
  if (bytes[begin] != 'i' && bytes[begin] != 'I') return false;
  if (begin > 0 && bytes[begin - 1] == '-') --begin;
  return field_begins(bytes, begin);
}

// "2024-01-02" has four digits before "-MM-"; `at` is a fifth, counted from the dash.
bool wide_year_at(std::string_view bytes, size_t at) {
  if (at + 8 >= bytes.size() || bytes[at + 5] != '-' || bytes[at + 8] != '-') return false;
  for (size_t i = at; i < at + 5; ++i) {
    if (!is_digit(bytes[i])) return false;
  }
  size_t begin = at;
  while (begin > 0 && is_digit(bytes[begin - 1])) --begin;
  return field_begins(bytes, begin);
}

bool suspect_at(std::string_view bytes, size_t at, unsigned what) {
  switch (bytes[at]) {
    case 'N':
      return (what & kSuspectNan) != 0 && nan_at(bytes, at);
    case 'n':
      return (what & kSuspectInfinity) != 0 && infinity_at(bytes, at);
    case ' ':
      return (what & kSuspectBc) != 0 && bytes.substr(at, 3) == " BC" && field_ends(bytes, at + 3);
    case '\\':
      return (what & kSuspectNulEscape) != 0 && bytes.substr(at, 6) == "\\u0000";
    default:
      return (what & kSuspectWideYear) != 0 && is_digit(bytes[at]) && wide_year_at(bytes, at);
  }
}

#if defined(__x86_64__)

constexpr size_t kSuspectEnd = 32;  // above every sum of Suspect
constexpr size_t kBlock = 32;
constexpr size_t kLookAhead = 8;  // the farthest byte that one place looks at

__attribute__((target("avx2"))) inline __m256i load(const char* at) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
}

__attribute__((target("avx2"))) inline __m256i equals(__m256i bytes, char wanted) {
  return _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(wanted));
}

// Where a three-byte literal stands.
__attribute__((target("avx2"))) inline __m256i literal(__m256i b0, __m256i b1, __m256i b2,
                                                       const char* text) {
  return _mm256_and_si256(_mm256_and_si256(equals(b0, text[0]), equals(b1, text[1])),
                          equals(b2, text[2]));
}

// Digit, four bytes of anything, dash, two of anything, dash. What is no digit but stands above '0'
// is left to wide_year_at().
__attribute__((target("avx2"))) inline __m256i wide_year(__m256i b0, const char* at) {
  const __m256i dashes = _mm256_and_si256(equals(load(at + 5), '-'), equals(load(at + 8), '-'));
  return _mm256_and_si256(dashes, _mm256_cmpgt_epi8(b0, _mm256_set1_epi8('0' - 1)));
}

// Where in the block at `place` a suspect of kWhat may stand.
template <unsigned kWhat>
__attribute__((target("avx2"))) inline __m256i candidates(const char* place) {
  const __m256i b0 = load(place);
  __m256i hits = _mm256_setzero_si256();
  if constexpr ((kWhat & ~unsigned{kSuspectWideYear}) != 0) {
    const __m256i b1 = load(place + 1);
    const __m256i b2 = load(place + 2);
    if constexpr ((kWhat & kSuspectNan) != 0) hits = literal(b0, b1, b2, "NaN");
    if constexpr ((kWhat & kSuspectInfinity) != 0) {
      hits = _mm256_or_si256(hits, literal(b0, b1, b2, "nfi"));
    }
    if constexpr ((kWhat & kSuspectBc) != 0) {
      hits = _mm256_or_si256(hits, literal(b0, b1, b2, " BC"));
    }
    if constexpr ((kWhat & kSuspectNulEscape) != 0) {
      hits = _mm256_or_si256(hits, literal(b0, b1, b2, "\\u0"));
    }
  }
  if constexpr ((kWhat & kSuspectWideYear) != 0) {
    hits = _mm256_or_si256(hits, wide_year(b0, place));
  }
  return hits;
}

// The first block from `at` on that has a candidate, and where in it; 0: there is none up to `end`.
// Apart from the loop that looks closer, so that no call there empties the registers that hold what
// is compared with.
struct Candidates {
  size_t at;
  uint32_t mask;
};

template <unsigned kWhat>
__attribute__((target("avx2"), noinline)) Candidates next_candidates(const char* bytes, size_t at,
                                                                     size_t end) {
  for (; at < end; at += kBlock) {
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(candidates<kWhat>(bytes + at)));
    if (mask != 0) return {at, mask};
  }
  return {at, 0};
}

// One function for each set of suspects: asked anew for each block, the set would cost as much as
// the comparisons.
template <unsigned kWhat>
size_t find_suspect_avx2(std::string_view bytes, size_t from) {
  const size_t taken = kBlock + kLookAhead - 1;  // of bytes, from where a block begins
  const size_t end = bytes.size() > taken ? bytes.size() - taken : 0;
  size_t at = from;
  while (at < end) {
    const Candidates found = next_candidates<kWhat>(bytes.data(), at, end);
    at = found.at;
    if (found.mask == 0) break;
    for (uint32_t mask = found.mask; mask != 0; mask &= mask - 1) {
      const size_t hit = at + static_cast<size_t>(__builtin_ctz(mask));
      if (suspect_at(bytes, hit, kWhat)) return hit;
    }
    at += kBlock;
  }
  return internal::find_suspect_plain(bytes, at, kWhat);
}

using FindSuspect = size_t (*)(std::string_view bytes, size_t from);

template <size_t... kWhat>
constexpr std::array<FindSuspect, sizeof...(kWhat)> find_suspect_table(
    std::index_sequence<kWhat...>) {
  return {find_suspect_avx2<static_cast<unsigned>(kWhat)>...};
}

constexpr auto kFindSuspect = find_suspect_table(std::make_index_sequence<kSuspectEnd>());

__attribute__((target("avx2"))) size_t count_byte_avx2(std::string_view bytes, char wanted) {
  size_t count = 0;
  size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) {
    const __m256i hits = equals(load(bytes.data() + at), wanted);
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(hits));
    count += static_cast<size_t>(__builtin_popcount(mask));
  }
  return count + internal::count_byte_plain(bytes.substr(at), wanted);
}

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

#endif

}  // namespace

namespace internal {

size_t find_suspect_plain(std::string_view bytes, size_t from, unsigned what) {
  for (size_t at = from; at < bytes.size(); ++at) {
    if (suspect_at(bytes, at, what)) return at;
  }
  return std::string_view::npos;
}

size_t count_byte_plain(std::string_view bytes, char wanted) {
  return static_cast<size_t>(std::count(bytes.begin(), bytes.end(), wanted));
}

}  // namespace internal

size_t find_suspect(std::string_view bytes, size_t from, unsigned what) {
  if (what == 0) return std::string_view::npos;
#if defined(__x86_64__)
  if (has_avx2()) return kFindSuspect.at(what)(bytes, from);
#endif
  return internal::find_suspect_plain(bytes, from, what);
}

size_t find_text(std::string_view bytes, std::string_view text) {
  const void* found = ::memmem(bytes.data(), bytes.size(), text.data(), text.size());
  if (found == nullptr) return std::string_view::npos;
  return static_cast<size_t>(static_cast<const char*>(found) - bytes.data());
}

size_t count_byte(std::string_view bytes, char wanted) {
#if defined(__x86_64__)
  if (has_avx2()) return count_byte_avx2(bytes, wanted);
#endif
  return internal::count_byte_plain(bytes, wanted);
}

}  // namespace vesto
