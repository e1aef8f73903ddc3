#include "redshift/errors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "base/error_causes.h"
#include "base/redact.h"
#include "base/strings.h"
#include "pg/errors.h"
#include "pg/quoting.h"

namespace vesto {

namespace {

// One pattern of an answer. All given parts must fit; `text` is looked for in message and detail,
// in lower case.
struct Pattern {
  std::string_view sqlstate;  // whole, or its first two characters; "" = any
  std::string_view text;      // "" = any
  ErrorCode code;
  std::string_view hint;  // "" = the catalogue's
};

constexpr std::string_view kEncodeHint =
    "The column's encoding cannot grow: ALTER TABLE ... ALTER COLUMN ... ENCODE ZSTD, then run "
    "again.";

// IAM_ROLE. Redshift says neither which of two things is missing nor that a role is not attached at
// all, so both are named; the likelier one first.
constexpr std::string_view kRoleAttachHint =
    "Attach the role of copy_role_arn to this cluster (Serverless: to the workgroup's namespace), "
    "and let its trust policy take the service redshift.amazonaws.com (Serverless: "
    "redshift-serverless.amazonaws.com too).";
constexpr std::string_view kRoleTrustHint =
    "The role's trust policy must let the service redshift.amazonaws.com assume it (Serverless: "
    "redshift-serverless.amazonaws.com too), and its conditions must fit this warehouse: "
    "aws:SourceArn refuses Serverless, use aws:SourceAccount. The role must be attached to the "
    "cluster or namespace.";
constexpr std::string_view kGrantRoleHint =
    "Let a superuser run: GRANT ASSUMEROLE ON '<copy_role_arn>' TO <the user that Vesto logs in "
    "as> FOR COPY.";
constexpr std::string_view kTokenHint =
    "The keys given to COPY and their session token do not belong together, or are of another "
    "partition of AWS than the bucket.";

// The first that fits wins, so the narrower ones stand first.
constexpr std::array kPatterns = {
    // Repeat the transaction.
    Pattern{"", "serializable isolation violation", ErrorCode::kRsSerializable, ""},
    Pattern{"40P01", "", ErrorCode::kRsSerializable, ""},
    Pattern{"40001", "", ErrorCode::kRsSerializable, ""},
    Pattern{"", "conflict with concurrent transaction", ErrorCode::kRsSerializable, ""},
    Pattern{"", "could not open relation with oid", ErrorCode::kRsSerializable, ""},
    Pattern{"", "error code 34510", ErrorCode::kRsSerializable, ""},
    Pattern{"57014", "", ErrorCode::kRsTimeout, ""},
    Pattern{"", "canceled on user's request", ErrorCode::kRsTimeout, ""},
    Pattern{"", "cancelled on user's request", ErrorCode::kRsTimeout, ""},
    Pattern{"57P", "", ErrorCode::kRsConnection, ""},
    Pattern{"08", "", ErrorCode::kRsConnection, ""},
    Pattern{"53300", "", ErrorCode::kRsConnection, "Wait until other sessions have ended."},
    Pattern{"", "connection limit", ErrorCode::kRsConnection,
            "Wait until other sessions have ended."},
    Pattern{"55P03", "", ErrorCode::kRsLock, ""},
    // Login.
    Pattern{"28", "", ErrorCode::kRsLoginPassword, ""},
    Pattern{"", "password authentication failed", ErrorCode::kRsLoginPassword, ""},
    Pattern{"", "iam authentication failed", ErrorCode::kRsLoginPassword, ""},
    Pattern{"3D000", "", ErrorCode::kRsDbMissing, ""},
    Pattern{"", "ssl is not enabled on the server", ErrorCode::kRsTlsOff, ""},
    // The warehouse.
    Pattern{"", "resize mode", ErrorCode::kRsResize, ""},
    Pattern{"", "disk full", ErrorCode::kRsDiskFull, ""},
    Pattern{"53100", "", ErrorCode::kRsDiskFull, ""},
    // COPY and S3.
    Pattern{"", "mandatory url is not present", ErrorCode::kRsCopyMissing, ""},
    Pattern{"", "the specified s3 prefix", ErrorCode::kRsCopyMissing, ""},
    Pattern{"", "error nosuchkey", ErrorCode::kRsCopyMissing, ""},
    Pattern{"", "specified key does not exist", ErrorCode::kRsCopyMissing, ""},
    Pattern{"", "requested range is not satisfiable", ErrorCode::kRsCopyMissing, ""},
    Pattern{"", "failed to inflate", ErrorCode::kRsCopyMissing, ""},
    Pattern{"", "error nosuchbucket", ErrorCode::kS3NoBucket, ""},
    Pattern{"", "bucket does not exist", ErrorCode::kS3NoBucket, ""},
    Pattern{"", "must be addressed using the specified endpoint", ErrorCode::kS3Region, ""},
    Pattern{"", "error slowdown", ErrorCode::kS3Slow, ""},
    Pattern{"", "s3serviceexception:we encountered an internal error", ErrorCode::kS3Server, ""},
    Pattern{"", "s3serviceexception:access denied", ErrorCode::kRsCopyS3, ""},
    Pattern{"", "error accessdenied", ErrorCode::kRsCopyS3, ""},
    Pattern{"", "error invalidaccesskeyid", ErrorCode::kRsCopyS3,
            "The access key id given to COPY is not known: make a new access key."},
    Pattern{"", "error signaturedoesnotmatch", ErrorCode::kRsCopyS3,
            "The secret access key does not belong to the access key id."},
    Pattern{"", "error expiredtoken", ErrorCode::kRsCopyExpired, ""},
    Pattern{"", "the provided token has expired", ErrorCode::kRsCopyExpired, ""},
    Pattern{"", "the provided token", ErrorCode::kRsCopyS3, kTokenHint},
    Pattern{"", "error invalidtoken", ErrorCode::kRsCopyS3, kTokenHint},
    Pattern{"", "does not have assumerole permission", ErrorCode::kRsCopyS3, kGrantRoleHint},
    Pattern{"", "not authorized to get credentials of role", ErrorCode::kRsCopyS3, kRoleTrustHint},
    Pattern{"", "assume iam role", ErrorCode::kRsCopyS3, kRoleAttachHint},
    Pattern{"", "session token not found", ErrorCode::kRsCopyS3, kTokenHint},
    Pattern{"", "invalid credentials", ErrorCode::kRsCopyS3, ""},
    Pattern{"", "stl_load_errors", ErrorCode::kRsCopyData, ""},
    Pattern{"", "sys_load_error_detail", ErrorCode::kRsCopyData, ""},
    // The target table.
    Pattern{"", "cannot copy into nonexistent table", ErrorCode::kRsTableDiffers, ""},
    Pattern{"", "used by a view or rule", ErrorCode::kRsViewDep, ""},
    Pattern{"2BP01", "", ErrorCode::kRsViewDep, ""},
    Pattern{"", "found unexpected dependency for column", ErrorCode::kRsKeyColumn, ""},
    Pattern{"", "cannot drop sortkey column", ErrorCode::kRsKeyColumn, ""},
    Pattern{"", "cannot drop distkey column", ErrorCode::kRsKeyColumn, ""},
    Pattern{"", "with encode type", ErrorCode::kRsTableDiffers, kEncodeHint},
    Pattern{"", "at most 1600 columns", ErrorCode::kRsTableDiffers,
            "Leave columns out: exclude = [\"...\"]."},
    Pattern{"42P01", "", ErrorCode::kRsTableDiffers, "Run again: the table is made anew."},
    Pattern{"42703", "", ErrorCode::kRsTableDiffers, ""},
    Pattern{"42804", "", ErrorCode::kRsTableDiffers, ""},
    Pattern{"", "cannot insert a null value", ErrorCode::kRsCopyData, ""},
    Pattern{"", "value too long for character type", ErrorCode::kRsCopyData, ""},
    Pattern{"22", "", ErrorCode::kRsCopyData, ""},
    Pattern{"23", "", ErrorCode::kRsCopyData, ""},
    // Rights.
    Pattern{"", "must be owner of", ErrorCode::kRsOwner, ""},
    Pattern{"42501", "temporary tables", ErrorCode::kRsPrivTemp, ""},
    Pattern{"42501", "for database", ErrorCode::kRsPrivCreate, ""},
    Pattern{"42501", "for schema", ErrorCode::kRsPrivSchema, ""},
    Pattern{"42501", "", ErrorCode::kRsPriv, ""},
    Pattern{"3F000", "", ErrorCode::kRsNoSchema, ""},
};

bool fits(const Pattern& pattern, std::string_view sqlstate, std::string_view lower) {
  if (!sqlstate.starts_with(pattern.sqlstate)) return false;
  return lower.find(pattern.text) != std::string_view::npos;
}

// Redshift's own conflicts carry a bare number as their message: "1023", detail elsewhere.
bool starts_with_number(std::string_view message, std::string_view number) {
  if (!message.starts_with(number)) return false;
  return message.size() == number.size() ||
         std::isdigit(static_cast<unsigned char>(message[number.size()])) == 0;
}

// Redshift's compute layer sends its detail as a block of "  name:  value" lines between rulers. Of
// it people need the context ("S3 key being read : ..."); the whole stays in the upstream text.
std::string for_people(const PgError& answer) {
  std::string out = answer.message;
  std::string_view more = answer.detail;
  if (more.find("------") != std::string_view::npos) {
    constexpr std::string_view kContext = "context:";
    const size_t at = more.find(kContext);
    more = at == std::string_view::npos ? "" : more.substr(at + kContext.size());
    more = trim(more.substr(0, more.find('\n')));
  }
  if (!more.empty()) out += "; " + std::string(more);
  if (!answer.hint.empty()) out += "; " + answer.hint;
  return redact(out);
}

Error from_server(const PgError& answer, std::string_view doing) {
  const std::string text = redact(answer.text());
  const std::string lower = to_lower_ascii(text);
  ErrorCode code = ErrorCode::kRsSql;
  std::string_view hint;
  if (starts_with_number(answer.message, "1023") || starts_with_number(answer.message, "1018")) {
    code = ErrorCode::kRsSerializable;
  } else if (answer.sqlstate == "42704" && lower.starts_with("user \"")) {
    code = ErrorCode::kRsLoginPassword;  // a database user that does not exist, at login
  } else {
    const auto* found = std::find_if(kPatterns.begin(), kPatterns.end(), [&](const Pattern& p) {
      return fits(p, answer.sqlstate, lower);
    });
    if (found != kPatterns.end()) {
      code = found->code;
      hint = found->hint;
    }
  }
  Error error(code, fmt::format("{}: {}", doing, for_people(answer)));
  if (!hint.empty()) error.with_hint(std::string(hint));
  return error;
}

ErrorCode code_of(PgError::Kind kind) {
  switch (kind) {
    case PgError::Kind::kDns:
      return ErrorCode::kNetDns;
    case PgError::Kind::kRefused:
      return ErrorCode::kNetRefused;
    case PgError::Kind::kTimeout:
      return ErrorCode::kNetTimeout;
    case PgError::Kind::kTlsCa:
      return ErrorCode::kNetTlsCa;
    case PgError::Kind::kTlsName:
      return ErrorCode::kNetTlsName;
    case PgError::Kind::kTlsOff:
      return ErrorCode::kRsTlsOff;
    case PgError::Kind::kLoginMethod:
      return ErrorCode::kRsLoginDigest;
    case PgError::Kind::kServer:
    case PgError::Kind::kTooLarge:
      return ErrorCode::kRsSql;
    case PgError::Kind::kLost:
    case PgError::Kind::kInterrupted:
    case PgError::Kind::kProtocol:
    case PgError::Kind::kReach:
      return ErrorCode::kRsConnection;
  }
  return ErrorCode::kRsConnection;
}

// The statement that gives `user` a password that libpq can prove, and the line that makes its
// digits: it asks for the password itself, so that this stands in no history and no process list.
std::string md5_hint(std::string_view user) {
  const std::string name(user);
  return fmt::format(
      "Log in with method = \"iam_role\", or let a superuser run: ALTER USER {} PASSWORD "
      "'md5<digits>'; this line of bash waits for the password, does not show it, and prints the "
      "digits: IFS= read -rs P; printf %s%s \"$P\" '{}' | md5sum | cut -c1-32",
      quote_identifier(name), replace_all(name, "'", "'\\''"));
}

// `otherwise`: the code of what is no answer of the server.
Error made(const PgError& answer, std::string_view doing, ErrorCode otherwise) {
  Error error = answer.kind == PgError::Kind::kServer
                    ? from_server(answer, doing)
                    : Error(otherwise, fmt::format("{}: {}", doing, redact(answer.text())));
  error.with_upstream({"redshift", answer.sqlstate, redact(answer.text()), ""});
  if (answer.kind == PgError::Kind::kTooLarge) error.because(cause_named("answer-too-large"));
  return error;
}

}  // namespace

Error redshift_login_error(const PgError& answer, std::string_view doing, std::string_view user) {
  if (auto reach = reach_error(answer, doing)) return *std::move(reach);
  Error error = made(answer, doing, code_of(answer.kind));
  if (error.code() == ErrorCode::kNetTimeout) error.with_hint(std::string(kSilentServerHint));
  if (error.code() == ErrorCode::kRsLoginDigest && !user.empty()) error.with_hint(md5_hint(user));
  return error;
}

Error redshift_error(const PgError& answer, std::string_view doing) {
  if (auto reach = reach_error(answer, doing)) return *std::move(reach);
  // The same answer would come again: nothing to repeat.
  if (answer.kind == PgError::Kind::kTooLarge) return made(answer, doing, ErrorCode::kRsSql);
  const bool waited = answer.kind == PgError::Kind::kTimeout;
  return made(answer, doing, waited ? ErrorCode::kRsTimeout : ErrorCode::kRsConnection);
}

AfterFault after_fault(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kRsSerializable:
    case ErrorCode::kRsConnection:
    case ErrorCode::kRsResize:
    case ErrorCode::kNetDns:
    case ErrorCode::kNetTimeout:
    case ErrorCode::kNetRefused:
    case ErrorCode::kNetReset:
    case ErrorCode::kNetUnreachable:
    case ErrorCode::kSshConnect:
    case ErrorCode::kSshLost:
    case ErrorCode::kS3Slow:
    case ErrorCode::kS3Server:
      return AfterFault::kRepeat;
    case ErrorCode::kSshForward:
      // The SSH server may not, or what it dials refuses: a warehouse that restarts does.
      return error.upstream().code.find("prohibited") == std::string::npos ? AfterFault::kRepeat
                                                                           : AfterFault::kStop;
    case ErrorCode::kRsCopyData:
    case ErrorCode::kRsCopyExpired:  // with new keys too: this COPY takes longer than they last
    case ErrorCode::kRsCopyMissing:
    case ErrorCode::kRsTableDiffers:
    case ErrorCode::kRsTableForeign:
    case ErrorCode::kRsViewDep:
    case ErrorCode::kRsKeyColumn:
    case ErrorCode::kRsAppendFull:
    case ErrorCode::kCfgValue:
    case ErrorCode::kRsOwner:
    case ErrorCode::kRsPriv:
    case ErrorCode::kRsTimeout:
    case ErrorCode::kRsLock:
    case ErrorCode::kRsSql:
    case ErrorCode::kSrcValue:
    case ErrorCode::kSrcNullKey:
    case ErrorCode::kSrcDuplicateKey:
    case ErrorCode::kSrcRowTooLarge:
      return AfterFault::kLeaveGroup;
    default:
      return AfterFault::kStop;
  }
}

std::string_view waits_for(const Error& error) {
  if (error.code() == ErrorCode::kRsConnection) {
    const std::string text = to_lower_ascii(error.upstream().text);
    if (error.upstream().code == "53300" || text.find("connection limit") != std::string::npos) {
      return "the warehouse takes no more connections; waiting for other sessions to end";
    }
  }
  return catalog_entry(error.code()).title;
}

bool already_there(const Error& error) {
  const std::string& state = error.upstream().code;
  return state == "42P07" || state == "42701" || state == "42P06";
}

bool same_size(const Error& error) {
  return error.upstream().text.find("target column size should be different") != std::string::npos;
}

}  // namespace vesto
