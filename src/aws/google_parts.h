// What the sources of Google ID tokens (aws/google_token.h) have in common.
#ifndef VESTO_AWS_GOOGLE_PARTS_H_
#define VESTO_AWS_GOOGLE_PARTS_H_

#include <map>
#include <string>

#include "aws/google_token.h"

namespace vesto {

constexpr size_t kMaxTokenBytes = 20'000;
constexpr int64_t kTokenMinLifeMs = 300'000;    // what a caller gets lasts so long at least
constexpr int64_t kTokenReuseLifeMs = 600'000;  // a token with less is asked for anew

// "iss x, aud y, azp z, sub s, exp 2026-11-22T01:26:56Z", for error texts.
std::string claims_text(const TokenClaims& claims);

// A token as `where` gave it: for `audience`, with 5 minutes or more to live. Errors: GCP-TOKEN.
Result<IdToken> accept_token(Secret jwt, const std::string& audience, const std::string& where,
                             int64_t now_ms);

// Keeps the last token of each audience (64 of them) until 10 minutes before its end. Where no new
// one comes, the old one is given on while it has its 5 minutes.
class CachingTokens : public IdTokenSource {
 public:
  explicit CachingTokens(Clock& clock) : clock_(clock) {}
  Result<IdToken> get(const std::string& audience, const std::stop_token& stop) final;
  bool forget(const IdToken& used) final;

 protected:
  virtual Result<IdToken> fetch(const std::string& audience, const std::stop_token& stop) = 0;
  Clock& clock() { return clock_; }

 private:
  Clock& clock_;
  std::map<std::string, IdToken> kept_;
};

}  // namespace vesto

#endif  // VESTO_AWS_GOOGLE_PARTS_H_
