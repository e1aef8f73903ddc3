#include "sandbox/s3/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "base/check.h"

namespace vesto::sandbox {

namespace {

// Eight tables: table k advances a byte by k further bytes ("slicing by eight").
template <typename Word>
struct CrcTables {
  std::array<std::array<Word, 256>, 8> table{};
  constexpr explicit CrcTables(Word polynomial) {
    for (unsigned i = 0; i < 256; ++i) {
      Word value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = (value & 1U) != 0 ? static_cast<Word>((value >> 1U) ^ polynomial)
                                  : static_cast<Word>(value >> 1U);
      }
      table[0][i] = value;
    }
    for (unsigned k = 1; k < 8; ++k) {
      for (unsigned i = 0; i < 256; ++i) {
        const Word before = table[k - 1][i];
        table[k][i] = static_cast<Word>((before >> 8U) ^ table[0][before & 0xffU]);
      }
    }
  }
};

const CrcTables<uint32_t> kCrc32(0xEDB88320U);
const CrcTables<uint32_t> kCrc32c(0x82F63B78U);
const CrcTables<uint64_t> kCrc64Nvme(0x9A6C9329AC4BC9B5ULL);

template <typename Word>
class Crc final : public Checksum {
 public:
  explicit Crc(const CrcTables<Word>& tables) : tables_(tables.table) {}

  void update(std::string_view bytes) override {
    const char* data = bytes.data();
    size_t size = bytes.size();
    Word value = value_;
    while (size >= 8) {
      uint64_t chunk = 0;
      std::memcpy(&chunk, data, 8);  // the project's machines are little-endian
      chunk ^= value;
      value = 0;
      for (unsigned k = 0; k < 8; ++k) {
        value = static_cast<Word>(value ^ tables_[7 - k][(chunk >> (8 * k)) & 0xffU]);
      }
      data += 8;
      size -= 8;
    }
    for (; size > 0; --size, ++data) {
      const auto index = static_cast<uint8_t>(value ^ static_cast<uint8_t>(*data));
      value = static_cast<Word>((value >> 8U) ^ tables_[0][index]);
    }
    value_ = value;
  }

  std::string finish() override {
    std::string out;
    const Word result = static_cast<Word>(~value_);
    for (size_t i = sizeof(Word); i > 0; --i) {
      out += static_cast<char>((result >> (8 * (i - 1))) & 0xffU);
    }
    return out;
  }

 private:
  const std::array<std::array<Word, 256>, 8>& tables_;
  Word value_ = static_cast<Word>(~Word{0});
};

class Digest final : public Checksum {
 public:
  explicit Digest(const EVP_MD* kind) : context_(EVP_MD_CTX_new()) {
    VESTO_CHECK(EVP_DigestInit_ex(context_, kind, nullptr) == 1);
  }
  ~Digest() override { EVP_MD_CTX_free(context_); }
  void update(std::string_view bytes) override {
    VESTO_CHECK(EVP_DigestUpdate(context_, bytes.data(), bytes.size()) == 1);
  }
  std::string finish() override {
    unsigned char out[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    VESTO_CHECK(EVP_DigestFinal_ex(context_, out, &size) == 1);
    return {reinterpret_cast<const char*>(out), size};
  }

 private:
  EVP_MD_CTX* context_;
};

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const int padding = !last ? 0 : text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const bool padded = static_cast<int>(k) >= 4 - padding;
      const int value = padded ? 0 : base64_value(text[i + k]);
      if (value < 0) return std::nullopt;
      group = (group << 6U) | static_cast<uint32_t>(value);
    }
    for (int k = 0; k < 3 - padding; ++k) {
      out += static_cast<char>((group >> (16U - 8U * static_cast<unsigned>(k))) & 0xffU);
    }
  }
  return out;
}

std::unique_ptr<Checksum> make_checksum(std::string_view algorithm) {
  if (algorithm == "md5") return std::make_unique<Digest>(EVP_md5());
  if (algorithm == "sha1") return std::make_unique<Digest>(EVP_sha1());
  if (algorithm == "sha256") return std::make_unique<Digest>(EVP_sha256());
  if (algorithm == "crc32") return std::make_unique<Crc<uint32_t>>(kCrc32);
  if (algorithm == "crc32c") return std::make_unique<Crc<uint32_t>>(kCrc32c);
  if (algorithm == "crc64nvme") return std::make_unique<Crc<uint64_t>>(kCrc64Nvme);
  return nullptr;
}

size_t checksum_size(std::string_view algorithm) {
  if (algorithm == "md5") return 16;
  if (algorithm == "sha1") return 20;
  if (algorithm == "sha256") return 32;
  if (algorithm == "crc32" || algorithm == "crc32c") return 4;
  if (algorithm == "crc64nvme") return 8;
  return 0;
}

const std::vector<std::string>& header_checksum_algorithms() {
  static const std::vector<std::string> kNames = {"crc32", "crc32c", "crc64nvme", "sha1", "sha256"};
  return kNames;
}

}  // namespace vesto::sandbox
