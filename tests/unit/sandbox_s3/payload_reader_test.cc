// Bodies: the chunk chain of the S3 documentation, trailers, checksums, and all that can be wrong.
#include "sandbox/s3/payload_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/strings.h"

namespace vesto::sandbox {
namespace {

// Gives out `text` in pieces of `piece` bytes.
BodySource source_of(std::string text, size_t piece) {
  return [text = std::move(text), piece, at = size_t{0}](
             char* buffer, size_t size) mutable -> Result<size_t, BodyError> {
    const size_t count = std::min({size, piece, text.size() - at});
    std::memcpy(buffer, text.data() + at, count);
    at += count;
    return count;
  };
}

struct Sent {
  std::vector<std::pair<std::string, std::string>> headers;
  PayloadKind kind = PayloadKind::kUnsigned;
  std::string sha256;
  std::string body;
  std::optional<uint64_t> length;  // Content-Length; the body's own where not set
  size_t piece = 1000;
};

AuthenticRequest docs_auth(PayloadKind kind) {
  AuthenticRequest auth;
  auth.payload = kind;
  auth.scope = {"20130524", "us-east-1", "s3"};
  auth.time = "20130524T000000Z";
  auth.key = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", auth.scope);
  auth.signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  return auth;
}

S3Result<std::string> receive(const Sent& sent,
                              std::map<std::string, std::string>* sums = nullptr) {
  HttpRequest request;
  request.method = "PUT";
  request.headers = sent.headers;
  BodyFraming framing;
  framing.length = sent.length.value_or(sent.body.size());
  AuthenticRequest auth = docs_auth(sent.kind);
  auth.payload_sha256 = sent.sha256;
  auto reader =
      PayloadReader::make(request, framing, auth, source_of(sent.body, sent.piece), 1U << 30U);
  if (!reader.ok()) return reader.error();
  auto text = (*reader)->read_all(1U << 20U);
  if (text.ok() && sums != nullptr) *sums = (*reader)->checksums();
  return text;
}

std::string code_of(const Sent& sent) {
  const auto text = receive(sent);
  return text.ok() ? "ok" : text.error().code;
}

// ---- plain bodies -----------------------------------------------------------------------------

TEST(PlainPayload, HashIsChecked) {
  Sent sent{{}, PayloadKind::kHashed, sha256_hex("hello"), "hello", {}, 2};
  EXPECT_EQ(receive(sent).value(), "hello");
  sent.body = "hellO";
  EXPECT_EQ(code_of(sent), "XAmzContentSHA256Mismatch");
}

TEST(PlainPayload, LengthIsChecked) {
  EXPECT_EQ(code_of({{}, PayloadKind::kUnsigned, "", "hello", 6, 10}), "IncompleteBody");
  EXPECT_EQ(receive({{}, PayloadKind::kUnsigned, "", "", 0, 10}).value(), "");
}

TEST(PlainPayload, ContentMd5) {
  Sent sent{
      {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}, PayloadKind::kUnsigned, "", "hello", {}, 3};
  EXPECT_EQ(code_of(sent), "ok");
  sent.body = "hallo";
  EXPECT_EQ(code_of(sent), "BadDigest");
  sent.headers = {{"content-md5", "XUFAKrxLKna5cZ2REBfF"}};
  EXPECT_EQ(code_of(sent), "InvalidDigest");
}

TEST(PlainPayload, ChecksumHeaders) {
  for (const auto& [algorithm, value] : std::map<std::string, std::string>{
           {"crc32", "DUoRhQ=="},
           {"crc32c", "yZRlqg=="},
           {"crc64nvme", "jSnVw/bqjr4="},
           {"sha1", "Kq5sNclPz7QV2+lfQIuc6R7oRu0="},
           {"sha256", "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek="}}) {
    const std::string name = "x-amz-checksum-" + algorithm;
    Sent sent{{{name, value}}, PayloadKind::kUnsigned, "", "hello world", {}, 4};
    std::map<std::string, std::string> sums;
    ASSERT_TRUE(receive(sent, &sums).ok()) << algorithm;
    EXPECT_EQ(sums.at(name), value);
    sent.body = "hello worlD";
    EXPECT_EQ(code_of(sent), "BadDigest") << algorithm;
    sent.headers = {{name, "AAAA"}};
    EXPECT_EQ(code_of(sent), "InvalidRequest") << algorithm;
  }
  EXPECT_EQ(code_of({{{"x-amz-checksum-crc32", "DUoRhQ=="}, {"x-amz-checksum-crc32c", "yZRlqg=="}},
                     PayloadKind::kUnsigned,
                     "",
                     "hello world",
                     {},
                     4}),
            "InvalidRequest");
}

TEST(PlainPayload, TooLargeAndWithoutLength) {
  HttpRequest request;
  request.method = "PUT";
  const AuthenticRequest auth = docs_auth(PayloadKind::kUnsigned);
  const auto code = [&](const BodyFraming& framing) {
    const auto reader = PayloadReader::make(request, framing, auth, source_of("", 1), 100);
    return reader.ok() ? "ok" : reader.error().code;
  };
  EXPECT_EQ(code({false, 101}), "EntityTooLarge");
  EXPECT_EQ(code({false, {}}), "MissingContentLength");
  EXPECT_EQ(code({true, {}}), "MissingContentLength");
  EXPECT_EQ(code({false, 100}), "ok");
}

// ---- signed chunks: the example of the S3 documentation
// ------------------------------------------

const char* const kSignatures[] = {
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"};

std::string chunk(std::string_view size, std::string_view signature, std::string_view data) {
  std::string out(size);
  if (!signature.empty()) out += ";chunk-signature=" + std::string(signature);
  return out + "\r\n" + std::string(data);
}

std::string docs_chunks() {
  return chunk("10000", kSignatures[0], std::string(65536, 'a')) + "\r\n" +
         chunk("400", kSignatures[1], std::string(1024, 'a')) + "\r\n" +
         chunk("0", kSignatures[2], "");
}

Sent signed_body(std::string body) {
  return {{{"x-amz-decoded-content-length", "66560"}},
          PayloadKind::kSignedChunks,
          "",
          std::move(body),
          {},
          777};
}

TEST(SignedChunks, DocumentationExample) {
  for (const size_t piece : {1U, 7U, 1000U, 100000U}) {
    Sent sent = signed_body(docs_chunks() + "\r\n");
    sent.piece = piece;
    const auto text = receive(sent);
    ASSERT_TRUE(text.ok()) << text.error().message;
    EXPECT_EQ(*text, std::string(66560, 'a'));
  }
}

TEST(SignedChunks, TamperedDataOrSignature) {
  std::string body = docs_chunks() + "\r\n";
  std::string data = body;
  data[data.find("aaaa") + 100] = 'b';
  EXPECT_EQ(code_of(signed_body(data)), "SignatureDoesNotMatch");
  std::string last = body;
  last.replace(last.find(kSignatures[2]), 1, "c");
  EXPECT_EQ(code_of(signed_body(last)), "SignatureDoesNotMatch");
  std::string none = body;
  const std::string mark = std::string(";chunk-signature=") + kSignatures[1];
  none.erase(none.find(mark), mark.size());
  EXPECT_EQ(code_of(signed_body(none)), "IncompleteBody");
}

TEST(SignedChunks, CutOrMalformed) {
  const std::string body = docs_chunks() + "\r\n";
  for (const size_t size : {size_t{0}, size_t{10}, size_t{200}, size_t{65000}, body.size() - 3}) {
    EXPECT_EQ(code_of(signed_body(body.substr(0, size))), "IncompleteBody") << size;
  }
  EXPECT_EQ(code_of(signed_body(body + "x")), "IncompleteBody");
  EXPECT_EQ(code_of(signed_body("zz\r\n")), "IncompleteBody");
  EXPECT_EQ(code_of(signed_body(std::string(5000, '1'))), "IncompleteBody");
  Sent longer = signed_body(body);
  longer.headers = {{"x-amz-decoded-content-length", "66561"}};
  EXPECT_EQ(code_of(longer), "IncompleteBody");
  Sent shorter = signed_body(body);
  shorter.headers = {{"x-amz-decoded-content-length", "100"}};
  EXPECT_EQ(code_of(shorter), "IncompleteBody");
  Sent unknown = signed_body(body);
  unknown.headers = {};
  EXPECT_EQ(code_of(unknown), "MissingContentLength");
}

// ---- trailers -------------------------------------------------------------------------------

Sent trailer_body(PayloadKind kind, const std::string& trailer) {
  std::string body = docs_chunks();
  if (kind == PayloadKind::kUnsignedTrailer) {
    for (const char* signature : kSignatures) {
      body = replace_all(body, std::string(";chunk-signature=") + signature, "");
    }
  }
  return {{{"x-amz-decoded-content-length", "66560"}, {"x-amz-trailer", "x-amz-checksum-crc32c"}},
          kind,
          "",
          body + trailer,
          {},
          5000};
}

std::string signed_trailer(const std::string& value) {
  const AuthenticRequest auth = docs_auth(PayloadKind::kSignedChunksTrailer);
  const std::string line = "x-amz-checksum-crc32c:" + value;
  const std::string text =
      trailer_string_to_sign(auth.time, auth.scope, kSignatures[2], sha256_hex(line + "\n"));
  return line + "\r\nx-amz-trailer-signature:" + sign_hex(auth.key, text) + "\r\n\r\n";
}

TEST(Trailers, Unsigned) {
  const auto kind = PayloadKind::kUnsignedTrailer;
  std::map<std::string, std::string> sums;
  ASSERT_TRUE(receive(trailer_body(kind, "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n"), &sums).ok());
  EXPECT_EQ(sums.at("x-amz-checksum-crc32c"), "sOO8/Q==");
  EXPECT_EQ(code_of(trailer_body(kind, "x-amz-checksum-crc32c:sOO8/A==\r\n\r\n")), "BadDigest");
  EXPECT_EQ(code_of(trailer_body(kind, "x-amz-checksum-crc32c:sOO8\r\n\r\n")), "InvalidRequest");
  for (const char* trailer :
       {"\r\n", "x-amz-checksum-crc32:sOO8/Q==\r\n\r\n", "nonsense\r\n\r\n",
        "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-checksum-crc32c:sOO8/Q==\r\n\r\n",
        "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:00\r\n\r\n"}) {
    EXPECT_EQ(code_of(trailer_body(kind, trailer)), "MalformedTrailerError") << trailer;
  }
  EXPECT_EQ(code_of(trailer_body(kind, "x-amz-checksum-crc32c:sOO8/Q==\r\n")), "IncompleteBody");
}

TEST(Trailers, Signed) {
  const auto kind = PayloadKind::kSignedChunksTrailer;
  EXPECT_EQ(code_of(trailer_body(kind, signed_trailer("sOO8/Q=="))), "ok");
  EXPECT_EQ(code_of(trailer_body(kind, signed_trailer("sOO8/A=="))), "BadDigest");
  EXPECT_EQ(code_of(trailer_body(kind, replace_all(signed_trailer("sOO8/Q=="), "/Q==", "/A=="))),
            "SignatureDoesNotMatch");
  EXPECT_EQ(code_of(trailer_body(kind, "x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n")),
            "MalformedTrailerError");
}

TEST(Trailers, OnlyTheLastChunkMayBeSmall) {
  Sent sent{{{"x-amz-decoded-content-length", "11"}},
            PayloadKind::kUnsignedTrailer,
            "",
            "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            {},
            3};
  EXPECT_EQ(code_of(sent), "InvalidChunkSizeError");
  sent.body = "b\r\nhello world\r\n0\r\n\r\n";
  EXPECT_EQ(code_of(sent), "ok");
}

TEST(Trailers, UnknownNamesAreRefused) {
  Sent sent = trailer_body(PayloadKind::kUnsignedTrailer, "x-foo:1\r\n\r\n");
  sent.headers[1].second = "x-foo";
  EXPECT_EQ(code_of(sent), "InvalidRequest");
}

}  // namespace
}  // namespace vesto::sandbox
