// Texts as libpq 15 writes them.
#include "pg/login_error.h"

#include <gtest/gtest.h>

#include "pg/errors.h"

namespace vesto {
namespace {

TEST(LoginError, ServerAnswersCarryTheirSqlstate) {
  PgError error = login_error(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
      "authentication failed for user \"x\"\nLOCATION:  auth_failed, auth.c:335\n");
  EXPECT_EQ(error.kind, PgError::Kind::kServer);
  EXPECT_EQ(error.sqlstate, "28P01");
  EXPECT_EQ(error.message, "password authentication failed for user \"x\"");
  // In another language, and after an address that refused.
  error = login_error(
      "connection to server at \"localhost\" (::1), port 5432 failed: Connection refused\n"
      "\tIs the server running on that host and accepting TCP/IP connections?\n"
      "connection to server at \"localhost\" (127.0.0.1), port 5432 failed: FATAL:  3D000: "
      "Datenbank \"x\" existiert nicht\n");
  EXPECT_EQ(error.sqlstate, "3D000");
}

TEST(LoginError, LinesStandApartAndAdviceIsLeftOut) {
  const PgError error = login_error(
      "connection to server at \"h\" (::1), port 1 failed: Connection refused\n"
      "\tIs the server running on that host and accepting TCP/IP connections?\n"
      "connection to server at \"h\" (127.0.0.1), port 1 failed: Connection refused\n");
  EXPECT_EQ(error.message,
            "connection to server at \"h\" (::1), port 1 failed: Connection refused; "
            "connection to server at \"h\" (127.0.0.1), port 1 failed: Connection refused");
}

TEST(LoginError, OtherReasons) {
  const auto kind = [](const char* text) { return login_error(text).kind; };
  EXPECT_EQ(kind("could not translate host name \"nohost\" to address: Name or service not known"),
            PgError::Kind::kDns);
  EXPECT_EQ(kind("connection to server at \"127.0.0.1\", port 1 failed: Connection refused"),
            PgError::Kind::kRefused);
  EXPECT_EQ(kind("connection to server at \"10.0.0.1\", port 1 failed: Connection timed out"),
            PgError::Kind::kTimeout);
  EXPECT_EQ(kind("connection to server at \"h\", port 1 failed: SSL error: certificate verify "
                 "failed"),
            PgError::Kind::kTlsCa);
  EXPECT_EQ(kind("connection to server at \"h\", port 1 failed: server certificate for \"a\" does "
                 "not match host name \"b\""),
            PgError::Kind::kTlsName);
  EXPECT_EQ(kind("connection to server at \"h\", port 1 failed: server does not support SSL, but "
                 "SSL was required"),
            PgError::Kind::kTlsOff);
  EXPECT_EQ(kind("connection to server at \"h\", port 1 failed: server closed the connection "
                 "unexpectedly"),
            PgError::Kind::kLost);
  EXPECT_EQ(kind(""), PgError::Kind::kLost);
  const PgError none = login_error(
      "connection to server at \"h\" failed: fe_sendauth: no password "
      "supplied");
  EXPECT_EQ(none.sqlstate, "28P01");
}

TEST(LoginError, AMethodThatLibpqDoesNotKnow) {
  const PgError error = login_error(
      "connection to server at \"h\" (10.0.0.1), port 5439 failed: authentication method 13 not "
      "supported\n");
  EXPECT_EQ(error.kind, PgError::Kind::kLoginMethod);
  EXPECT_EQ(pg_connect_error(error, "connecting").code(), ErrorCode::kPgLogin);
}

TEST(SourceErrors, OneCodeEach) {
  const auto code = [](PgError::Kind kind, const char* state, const char* text = "x") {
    PgError error;
    error.kind = kind;
    error.sqlstate = state;
    error.message = text;
    return pg_source_error(error, "doing").code();
  };
  using Kind = PgError::Kind;
  EXPECT_EQ(code(Kind::kServer, "28P01"), ErrorCode::kPgLogin);
  EXPECT_EQ(code(Kind::kServer, "3D000"), ErrorCode::kPgNoDatabase);
  EXPECT_EQ(code(Kind::kTlsOff, ""), ErrorCode::kPgTlsOff);
  EXPECT_EQ(code(Kind::kServer, "42501"), ErrorCode::kPgPriv);
  EXPECT_EQ(code(Kind::kServer, "42501", "query would be affected by row-level security policy"),
            ErrorCode::kPgRls);
  EXPECT_EQ(code(Kind::kServer, "42P01"), ErrorCode::kPgNoTable);
  EXPECT_EQ(code(Kind::kServer, "42703"), ErrorCode::kPgNoColumn);
  EXPECT_EQ(code(Kind::kServer, "22012"), ErrorCode::kSrcValue);
  EXPECT_EQ(code(Kind::kServer, "22023"), ErrorCode::kPgRead);
  EXPECT_EQ(code(Kind::kServer, "40001"), ErrorCode::kPgRead);
  EXPECT_EQ(code(Kind::kServer, "53300"), ErrorCode::kPgConnect);
  EXPECT_EQ(code(Kind::kServer, ""), ErrorCode::kPgRead);
  EXPECT_EQ(code(Kind::kLost, ""), ErrorCode::kPgRead);
  EXPECT_EQ(code(Kind::kInterrupted, ""), ErrorCode::kRunInterrupted);
  EXPECT_EQ(code(Kind::kTlsCa, ""), ErrorCode::kNetTlsCa);
  PgError error;
  error.kind = Kind::kLost;
  EXPECT_EQ(pg_connect_error(error, "connecting").code(), ErrorCode::kPgConnect);
  error.detail = "more";
  error.hint = "do";
  error.message = "text";
  error.sqlstate = "XX000";
  const Error made = pg_source_error(error, "reading");
  EXPECT_EQ(made.message(), "reading: text; more; hint: do (XX000)");
  EXPECT_EQ(made.upstream().code, "XX000");
}

}  // namespace
}  // namespace vesto
