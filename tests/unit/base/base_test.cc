#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/budget.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/ids.h"
#include "base/json_text.h"
#include "base/redact.h"
#include "base/result.h"
#include "base/strings.h"

namespace vesto {
namespace {

TEST(Catalog, NamesAreUniqueAndEveryEntryIsComplete) {
  std::set<std::string_view> names;
  for (const CatalogEntry& entry : error_catalog()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.title.empty()) << entry.name;
    EXPECT_FALSE(entry.hint.empty()) << entry.name;
    EXPECT_FALSE(entry.causes.empty()) << entry.name;
    EXPECT_EQ(&catalog_entry(entry.code), &entry);
  }
}

TEST(Catalog, IsFoundByNameInAnyCase) {
  ASSERT_NE(find_catalog_entry("rs-owner"), nullptr);
  EXPECT_EQ(find_catalog_entry("RS-OWNER")->code, ErrorCode::kRsOwner);
  EXPECT_EQ(find_catalog_entry("RS-OWNE"), nullptr);
  EXPECT_EQ(find_catalog_entry(""), nullptr);
}

TEST(ErrorText, HoldsContextAndUpstream) {
  const Error error = Error(ErrorCode::kRsOwner, "t belongs to u")
                          .with_upstream({"redshift", "42501", "must be owner of relation t", ""})
                          .in("table public.t");
  EXPECT_EQ(error.to_string(),
            "RS-OWNER: t belongs to u (in table public.t) "
            "[redshift 42501: must be owner of relation t]");
  EXPECT_EQ(error.hint(), catalog_entry(ErrorCode::kRsOwner).hint);
}

TEST(ErrorText, NamesWhoseTurnItIs) {
  Error error(ErrorCode::kRsOwner, "t belongs to u");
  EXPECT_EQ(error.blame(), Blame::kCustomer);
  EXPECT_EQ(error.blamed_on(Blame::kConfig).blame(), Blame::kConfig);
  // What mends it stands in the configuration: target, adopt.
  EXPECT_EQ(catalog_entry(ErrorCode::kRsTableForeign).blame, Blame::kConfig);
}

Result<int> half(int n) {
  if (n % 2 != 0) return Error(ErrorCode::kInternal, "odd");
  return n / 2;
}

Result<int> quarter(int n) {
  VESTO_ASSIGN(const int h, half(n));
  VESTO_TRY(half(h));
  return h / 2;
}

TEST(ResultMacros, PassValuesAndErrorsOn) {
  EXPECT_EQ(quarter(8).value(), 2);
  EXPECT_EQ(quarter(6).error().message(), "odd");
  EXPECT_EQ(quarter(7).error().message(), "odd");
}

TEST(Strings, SplitTrimJoinReplace) {
  EXPECT_EQ(split("a,,b", ','), (std::vector<std::string>{"a", "", "b"}));
  EXPECT_EQ(split("", ','), (std::vector<std::string>{""}));
  EXPECT_EQ(join({"", "a", ""}, "-"), "-a-");
  EXPECT_EQ(trim(" \r\n\t"), "");
  EXPECT_EQ(trim(" a b "), "a b");
  EXPECT_EQ(replace_all("aaa", "aa", "b"), "ba");
  EXPECT_EQ(replace_all("aaa", "", "b"), "aaa");
}

TEST(Strings, ParseIntTakesWholeNumbersOnly) {
  EXPECT_EQ(parse_int("-12"), -12);
  EXPECT_EQ(parse_int("9223372036854775807"), INT64_MAX);
  for (const char* bad : {"", " 1", "1 ", "+1", "1.0", "9223372036854775808", "-", "0x1"}) {
    EXPECT_EQ(parse_int(bad), std::nullopt) << bad;
  }
}

TEST(Strings, CutUtf8NeverSplitsACharacter) {
  EXPECT_EQ(cut_utf8("a\xC3\xA4z", 2), "a");
  EXPECT_EQ(cut_utf8("a\xC3\xA4z", 3), "a\xC3\xA4");
  EXPECT_EQ(cut_utf8("abc", 9), "abc");
  EXPECT_EQ(cut_utf8("\xC3\xA4", 0), "");
}

TEST(Strings, PrintableShowsControlCharacters) {
  EXPECT_EQ(printable("orders", false), "orders");
  EXPECT_EQ(printable("a\x1b[2Jb\x7f", true), "a\\x1b[2Jb\\x7f");
  EXPECT_EQ(printable("a\nb\tc\r", true), "a\nb\tc\\x0d");
  EXPECT_EQ(printable("a\nb", false), "a\\x0ab");
  // C1 as UTF-8 (U+009B is another CSI); other two-byte characters stay.
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m \xC2\xA0 \xC3\xA9",
                      false),
            "\\x9b31m \xC2\xA0 \xC3\xA9");
  EXPECT_EQ(printable("\xC2", false), "\xC2");
}

TEST(Budget, LaneGrowsWithTheLargestRow) {
  EXPECT_EQ(lane_size_bytes(1 << 20), 31ULL << 20);
  EXPECT_EQ(lane_size_bytes(4 << 20), 31ULL << 20);
  EXPECT_EQ(lane_size_bytes(64 << 20), (31ULL + 8 * 60) << 20);
}

TEST(Strings, FormatsForPeople) {
  EXPECT_EQ(format_count(1204331), "1,204,331");
  EXPECT_EQ(format_count(-1000), "-1,000");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(224395264), "214 MiB");
  EXPECT_EQ(format_duration(900), "0.9 s");
  EXPECT_EQ(format_duration(31'400), "31 s");
  EXPECT_EQ(format_duration(252'114), "4m 12s");
  EXPECT_EQ(format_duration(3'720'000), "1h 2m");
}

TEST(Strings, NearestProposesOnlyWhatIsNear) {
  const std::vector<std::string> names = {"full-refresh", "table", "dry-run"};
  EXPECT_EQ(nearest("ful-refresh", names), "full-refresh");
  EXPECT_EQ(nearest("tabel", names), "table");
  EXPECT_EQ(nearest("quiet", names), std::nullopt);
}

TEST(Hash, KnownAnswers) {
  // FIPS 180-2, B.1, and RFC 4231, test case 2.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(Ids, UlidsSortByTimeAndSyncIdIgnoresCase) {
  EXPECT_LT(make_ulid(1000), make_ulid(1001));
  EXPECT_EQ(make_ulid(1000).size(), 26U);
  EXPECT_NE(make_ulid(1000), make_ulid(1000));
  // A load's id is greater than the one before it, whatever the clock says.
  LoadId last{"0"};
  for (const int64_t wall_ms : {5000, 5000, 4000, 1, 6000}) {
    const LoadId next = make_load_id(wall_ms, last);
    EXPECT_EQ(next.text.size(), 26U);
    EXPECT_LT(last, next) << wall_ms;
    last = next;
  }
  EXPECT_EQ(last.text.substr(0, 10), make_ulid(6000).substr(0, 10));
  for (const char* odd :
       {"", "0", "L1", "7ZZZZZZZZZ0000000000000000", "ooooooooooooooooooooooooooo"}) {
    EXPECT_EQ(make_load_id(9, {odd}).text.substr(0, 10), make_ulid(9).substr(0, 10)) << odd;
  }
  EXPECT_EQ(sync_id("Shop"), sync_id("shop"));
  EXPECT_EQ(sync_id("shop").text.size(), 8U);
  EXPECT_EQ(random_alphanumeric(16).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"),
            std::string::npos);
}

TEST(JsonText, EscapesAndReplacesBadBytes) {
  EXPECT_EQ(json_quote("a\"\\\n\x01"), "\"a\\\"\\\\\\n\\u0001\"");
  EXPECT_EQ(json_quote("\xC3\xA4\xFF"), "\"\xC3\xA4\xEF\xBF\xBD\"");
  EXPECT_EQ(json_quote("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(Redact, TakesSecretsOutInEveryForm) {
  const Secret secret("p'a ss/word");
  EXPECT_EQ(redact("login p'a ss/word failed"), "login *** failed");
  EXPECT_EQ(redact("?pw=p%27a%20ss%2Fword&x"), "?pw=***&x");
  EXPECT_EQ(redact("PASSWORD 'p''a ss/word'"), "PASSWORD '***'");
}

// Whatever the order in which they were registered.
TEST(Redact, AShortSecretInALongerOneHidesTheLongerOneToo) {
  const Secret shorter("word");
  const Secret longer("my-password-is-long");
  EXPECT_EQ(redact("with my-password-is-long in it"), "with *** in it");
  EXPECT_EQ(redact("a word and my-password-is-long"), "a *** and ***");
  const Secret begins("is-long-and-more");
  // Two that overlap: no piece of either stays.
  EXPECT_EQ(redact("<my-password-is-long-and-more>"), "<***>");
  EXPECT_EQ(redact("wordword"), "******");
  EXPECT_EQ(redact(""), "");
}

TEST(Redact, ASecretThatRepeatsItselfGoesAsAWhole) {
  const Secret secret("abab");
  EXPECT_EQ(redact("x ababab y"), "x *** y");
}

TEST(Redact, ForgetsASecretThatIsGone) {
  { const Secret secret("shortlived"); }
  EXPECT_EQ(redact("shortlived"), "shortlived");
  const Secret tiny("abc");
  EXPECT_EQ(redact("abc"), "abc") << "too short to be told from ordinary words";
}

}  // namespace
}  // namespace vesto
