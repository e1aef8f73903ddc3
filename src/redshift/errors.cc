#include "redshift/errors.h"

#include <fmt/core.h>

#include <cctype>

#include "base/error_causes.h"
#include "base/redact.h"
#include "base/strings.h"
#include "pg/errors.h"
#include "pg/quoting.h"

namespace vesto {

namespace {

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

// What the table of causes knows of an answer. Redshift's own conflicts have a number in the place
// of a SQLSTATE that says something; a temporary login has causes of its own.
const ErrorCause* cause_of(const PgError& answer, std::string_view text, std::string_view user) {
  if (user.starts_with("IAM") && user.find(':') != std::string_view::npos) {
    if (const ErrorCause* cause = recognise("redshift-iam", answer.sqlstate, text)) return cause;
  }
  for (const std::string_view number : {"1023", "1018"}) {
    if (starts_with_number(answer.message, number)) return recognise("redshift", number, text);
  }
  return recognise("redshift", answer.sqlstate, text);
}

Error from_server(const PgError& answer, std::string_view doing, std::string_view user) {
  const ErrorCause* cause = cause_of(answer, redact(answer.text()), user);
  const ErrorCode code = cause != nullptr ? cause->code : ErrorCode::kRsSql;
  return Error(code, fmt::format("{}: {}", doing, for_people(answer))).because(cause);
}

// Of what is no answer of the server.
const ErrorCause* cause_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kRsConnection:
      return cause_named("connection-lost");
    case ErrorCode::kRsTimeout:
      return cause_named("statement-unanswered");
    case ErrorCode::kRsLoginDigest:
      return cause_named("digest-not-provable");
    case ErrorCode::kRsTlsOff:
      return cause_named("no-encryption");
    case ErrorCode::kNetTimeout:
      return cause_named("silent-server");
    default:
      return nullptr;
  }
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
Error made(const PgError& answer, std::string_view doing, ErrorCode otherwise,
           std::string_view user = "") {
  Error error = answer.kind == PgError::Kind::kServer
                    ? from_server(answer, doing, user)
                    : Error(otherwise, fmt::format("{}: {}", doing, redact(answer.text())))
                          .because(cause_of(otherwise));
  error.with_upstream({"redshift", answer.sqlstate, redact(answer.text()), ""});
  if (answer.kind == PgError::Kind::kTooLarge) error.because(cause_named("answer-too-large"));
  return error;
}

}  // namespace

Error redshift_login_error(const PgError& answer, std::string_view doing, std::string_view user) {
  if (auto reach = reach_error(answer, doing)) return *std::move(reach);
  Error error = made(answer, doing, code_of(answer.kind), user);
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
    case ErrorCode::kRsConnLimit:
    case ErrorCode::kRsResize:
    case ErrorCode::kNetDns:
    case ErrorCode::kNetResolver:
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
      return retry_of(error) == Retry::kAfterFix ? AfterFault::kStop : AfterFault::kRepeat;
    case ErrorCode::kRsCopyData:
    case ErrorCode::kRsCopyExpired:  // with new keys too: this COPY takes longer than they last
    case ErrorCode::kRsCopyMissing:
    case ErrorCode::kRsTableDiffers:
    case ErrorCode::kRs1600Columns:
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
  if (error.code() == ErrorCode::kRsConnLimit) {
    return "the warehouse takes no more connections; waiting for other sessions to end";
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
