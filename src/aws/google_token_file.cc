// ID tokens from a file that something else keeps fresh.
#include "aws/google_parts.h"
#include "aws/small_file.h"
#include "base/strings.h"

namespace vesto {

namespace {

class TokenFile final : public IdTokenSource {
 public:
  TokenFile(std::string path, Clock& clock) : path_(std::move(path)), clock_(clock) {}

  Result<IdToken> get(const std::string& audience, const std::stop_token& stop) override {
    if (stop.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, "the token was not read: stopped");
    }
    VESTO_ASSIGN(SmallFile file,
                 read_small_file(path_, kMaxTokenBytes, ErrorCode::kCfgSecretMissing));
    if (!file.there) {
      return Error(ErrorCode::kCfgSecretMissing, "there is no token file " + shown_path());
    }
    Secret jwt{std::string(trim(file.text))};
    if (jwt.empty()) return Error(ErrorCode::kGcpToken, describe() + " is empty");
    return accept_token(std::move(jwt), audience, describe(), clock_.wall_ms());
  }

  // It is read anew each time: what keeps it fresh may have written another one by now.
  bool forget(const IdToken& /*used*/) override { return true; }
  [[nodiscard]] std::string describe() const override { return "the token file " + shown_path(); }

 private:
  [[nodiscard]] std::string shown_path() const { return printable(cut_utf8(path_, 500), false); }

  const std::string path_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<IdTokenSource> make_token_file(std::string path, Clock& clock) {
  return std::make_unique<TokenFile>(std::move(path), clock);
}

}  // namespace vesto
