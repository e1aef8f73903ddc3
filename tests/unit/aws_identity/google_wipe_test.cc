// No block of memory is freed while the assertion that Google is sent stands in it: whoever has it
// gets ID tokens for an hour. This program's own operator delete looks into every block. What it
// cannot see: stack frames, registers, and what OpenSSL and the kernel hold.
#include <gtest/gtest.h>
#include <malloc.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#include <array>
#include <cstdlib>
#include <new>
#include <nlohmann/json.hpp>

#include "aws/google_token.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace {

// Parts of the signature, as it is sent and as it was made. In no block of memory themselves.
constexpr size_t kMarkBytes = 24;
std::array<char, kMarkBytes> g_sent;
std::array<char, kMarkBytes> g_raw;
bool g_watching = false;
int g_found = 0;

void look(void* block) {
  if (!g_watching || block == nullptr) return;
  const size_t size = malloc_usable_size(block);
  for (const auto* mark : {&g_sent, &g_raw}) {
    if (memmem(block, size, mark->data(), mark->size()) != nullptr) ++g_found;
  }
}

}  // namespace

void* operator new(size_t size) {
  void* block = std::malloc(size == 0 ? 1 : size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void* operator new[](size_t size) { return operator new(size); }
void operator delete(void* block) noexcept {
  look(block);
  std::free(block);
}
void operator delete[](void* block) noexcept { operator delete(block); }
void operator delete(void* block, size_t) noexcept { operator delete(block); }
void operator delete[](void* block, size_t) noexcept { operator delete(block); }

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

std::string key_file() {
  EVP_PKEY* key = EVP_RSA_gen(2048);
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr), 1);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  const nlohmann::json file = {{"type", "service_account"},
                               {"client_email", "etl@p.iam.gserviceaccount.com"},
                               {"private_key_id", "0123abcd"},
                               {"private_key", std::string(data, static_cast<size_t>(length))}};
  BIO_free(bio);
  EVP_PKEY_free(key);
  return file.dump();
}

// Answers with `jwt`. Looks at the form where it lies.
class Google final : public HttpTransport {
 public:
  Google(std::string jwt, int* asked) : jwt_(std::move(jwt)), asked_(asked) {}
  Result<HttpResponse> send(const HttpRequest& request, const std::stop_token&) override {
    ++*asked_;
    if (!g_watching) keep_marks(request.body);
    EXPECT_EQ(request.body.find(std::string_view(g_sent.data(), kMarkBytes)),
              request.body.size() - kMarkBytes);
    HttpResponse response;
    response.status = 200;
    response.body = R"({"id_token":")" + jwt_ + R"("})";
    return response;
  }

 private:
  static void keep_marks(std::string_view form) {
    std::copy(form.end() - kMarkBytes, form.end(), g_sent.begin());
    const std::string raw = base64url_decode(form.substr(form.rfind('.') + 1)).value();
    std::copy(raw.end() - kMarkBytes, raw.end(), g_raw.begin());
  }

  const std::string jwt_;
  int* const asked_;
};

// The same key, time and audience give the same signature (RSASSA-PKCS1-v1_5): what the first
// request sent is looked for in the second.
TEST(GoogleWipe, TheAssertionIsGoneOnceItIsSent) {
  const Secret key(key_file());
  int asked = 0;
  g_found = 0;
  for (const bool watching : {false, true}) {
    InstantClock clock;
    auto source = make_key_file_tokens(
        key, "", clock, std::make_unique<Google>(google_jwt("acme", kNowS + 3600), &asked));
    ASSERT_TRUE(source.ok()) << source.error().to_string();
    g_watching = watching;
    const bool good = (*source)->get("acme", {}).ok();
    source->reset();
    g_watching = false;
    EXPECT_TRUE(good);
  }
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(g_found, 0);
}

// The watch itself: it would see a form that is freed as it is.
TEST(GoogleWipe, TheWatchSeesWhatIsNotWiped) {
  std::fill(g_sent.begin(), g_sent.end(), 'x');
  std::fill(g_raw.begin(), g_raw.end(), 'y');
  g_found = 0;
  {
    const std::string form = "assertion=" + std::string(100, 'x');
    g_watching = true;
    EXPECT_EQ(form.size(), 110U);
  }
  g_watching = false;
  EXPECT_EQ(g_found, 1);
}

}  // namespace
}  // namespace vesto
