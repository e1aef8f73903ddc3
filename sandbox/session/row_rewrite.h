// Rows on their way to the client: names as the client knows them, SUPER and VARBYTE as Redshift
// sends them (OIDs 4000 and 6551; compact JSON; hex without \x). All else passes as it is.
// Thread rule: one session's thread.
#ifndef VESTO_SANDBOX_SESSION_ROW_REWRITE_H_
#define VESTO_SANDBOX_SESSION_ROW_REWRITE_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/wire/message.h"

namespace vesto::sandbox {

inline constexpr int32_t kSuperOid = 4000;
inline constexpr int32_t kVarbyteOid = 6551;

// PostgreSQL's type OID as the client is shown it, and back.
int32_t client_type_oid(int32_t pg_oid);
int32_t pg_type_oid(int32_t client_oid);

// PostgreSQL's text form of jsonb without the blanks that it puts after ':' and ','.
std::string compact_json(std::string_view text);

class RowRewriter {
 public:
  using RestoreNames = std::function<std::string(std::string_view)>;
  explicit RowRewriter(RestoreNames restore_names) : restore_names_(std::move(restore_names)) {}

  // Body of a RowDescription: remembers what its rows need; the client's form is appended to `out`
  // (nullptr: only remembered). False: malformed.
  bool describe(std::string_view body, std::string* out);
  // Body of a DataRow, appended to `out` as a whole message.
  void row(std::string_view body, std::string* out);

 private:
  enum class Kind { kPlain, kSuperText, kSuperBinary, kVarbyteText };
  RestoreNames restore_names_;
  std::vector<Kind> kinds_;
  bool plain_ = true;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_ROW_REWRITE_H_
