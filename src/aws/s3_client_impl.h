// What stands behind make_s3_client and make_s3_look; for its own files only.
//   s3_calls.cc    what is asked of S3, and what is made of the answer
//   s3_client.cc   the bucket's region, signing, sending, and sending again
// Thread rule: that of S3.
#ifndef VESTO_AWS_S3_CLIENT_IMPL_H_
#define VESTO_AWS_S3_CLIENT_IMPL_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "address/http_origin.h"
#include "aws/endpoints.h"
#include "aws/s3.h"
#include "aws/s3_errors.h"
#include "aws/s3_look.h"
#include "aws/sigv4.h"
#include "base/result.h"
#include "net/http.h"

namespace vesto {

class S3Client final : public S3, public S3Look {
 public:
  S3Client(S3Options options, Clock& clock, std::unique_ptr<HttpTransport> http,
           const Environment& environment);

  // --- s3_calls.cc ---
  Result<S3PutResult> put_hashed(std::string_view key, std::string_view body,
                                 std::string_view body_sha256,
                                 const std::stop_token& stop) override;
  Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                 const std::stop_token& stop) override;
  Result<S3ListPage> list(std::string_view prefix, std::string_view continuation_token,
                          const std::stop_token& stop) override;
  Status remove(std::string_view key, const std::stop_token& stop) override;
  Status remove_many(const std::vector<std::string>& keys, const std::stop_token& stop) override;
  Result<std::optional<uint64_t>> head(std::string_view key, const std::stop_token& stop) override;
  Result<std::string> expiration(std::string_view key, const std::stop_token& stop) override;
  Result<bool> open_to_all(std::string_view key, const std::stop_token& stop) override;
  Result<std::optional<bool>> policy_is_public(const std::stop_token& stop) override;

  // --- s3_client.cc, as all that is private ---
  Result<std::string> region(const std::stop_token& stop) override;

 private:
  static constexpr uint64_t kMaxAnswerBytes = 8 << 20;  // 1,000 percent-encoded keys: under 4 MiB

  struct Call {
    std::string method;
    std::string_view action;  // the IAM action it needs
    std::string_view key;     // "" = the bucket itself
    NameValues query = {};
    NameValues headers = {};  // signed; beside those that every request has
    std::string_view body = {};
    std::string payload_hash = {};
    uint64_t max_answer_bytes = kMaxAnswerBytes;
    bool is_data = false;  // the answer is an object's bytes, whatever they look like
  };

  struct Address {
    HttpOrigin origin;
    std::string path;  // encoded
  };

  // Takes a 2xx answer. An S3-ANSWER or an error from an <Error> body repeats the request.
  using Accept = std::function<Status(const HttpResponse&)>;

  // Errors: CFG-VALUE (bucket, region, endpoint).
  Status set_up(const Environment& environment);
  // The call for texts and hints of errors.
  [[nodiscard]] S3Call described(const Call& call) const;

  // --- the bucket's region ---
  // A region that is given is good until S3 names another.
  Status know_region(const std::stop_token& stop);
  void found(std::string_view region);
  // HeadBucket tells the region of any bucket, whatever the caller may do with it and wherever it
  // is asked. A region that is given stands where S3 does not say: a proxy's 403, a server of
  // one's own without regions.
  Status ask_region(const Call& call, const std::stop_token& stop);

  // --- errors of answers ---
  // The error of an answer. Where it names the bucket's region, the next request goes there.
  Error refused(const Call& call, const HttpResponse& response);
  // Not repeated: the object will be as long again.
  static Error too_long(uint64_t max_bytes);
  // Keys may end between the signing and S3's look at them: a laptop slept, a body took its time.
  // An answer to HEAD has no body that says so, its status alone. True: there may be new ones.
  bool keys_expired(const Call& call, const Error& error);

  // --- requests ---
  // Sends until `accept` is content, an error is final, or the attempts are used up.
  Status send(const Call& call, const std::stop_token& stop, const Accept& accept);
  // The same for any attempt at a call.
  Status repeat(const Call& call, const std::stop_token& stop,
                const std::function<Status()>& attempt);
  [[nodiscard]] Address address_of(const Call& call, const std::string& region) const;
  Result<AwsCredentials> credentials_now(const std::stop_token& stop);
  // One signed request; any status is an answer.
  Result<HttpResponse> send_once(const Call& call, const std::string& region,
                                 const std::stop_token& stop);

  const S3Options options_;
  Clock& clock_;
  const std::unique_ptr<HttpTransport> http_;
  const EndpointChoice choice_;
  std::optional<HttpOrigin> origin_;  // given; else AWS's own
  std::string region_;                // "" until it is known
  int moves_ = 0;                     // to a region that S3 named
  bool moved_ = false;                // by the last answer
  AwsCredentials used_;               // of the last request
  const Status setup_;
};

}  // namespace vesto

#endif  // VESTO_AWS_S3_CLIENT_IMPL_H_
