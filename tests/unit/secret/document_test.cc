// What the seal over the whole file would hide: each secret is bound to its own name and store.
#include <gtest/gtest.h>

#include "secret/sealed_document.h"

namespace vesto::secret {
namespace {

class DocumentTest : public ::testing::Test {
 protected:
  DocumentTest() : document_(new_document(master_, "", &key_)) {}
  SealedEntry entry(const std::string& name, const std::string& value) {
    return {.name = name,
            .created_ms = 1,
            .changed_ms = 2,
            .sealed = seal_secret(document_, key_, name, value)};
  }

  MasterKey master_ = make_master_key();
  DataKey key_;
  SealedDocument document_;
};

TEST_F(DocumentTest, SealedBytesOpenUnderTheirOwnNameOnly) {
  SealedEntry one = entry("acme/password", "value");
  EXPECT_EQ(open_secret(document_, key_, one)->view(), "value");
  for (const char* other : {"acme/passwort", "acme/other", ""}) {
    one.name = other;
    EXPECT_FALSE(open_secret(document_, key_, one).has_value()) << other;
  }
  one.name = "acme/password";
  SealedDocument elsewhere = document_;
  elsewhere.store_id = std::string(32, '0');
  EXPECT_FALSE(open_secret(elsewhere, key_, one).has_value());
  for (const size_t size : {size_t{0}, size_t{1}, size_t{40}, one.sealed.size() - 1}) {
    SealedEntry cut = one;
    cut.sealed.resize(size);
    EXPECT_FALSE(open_secret(document_, key_, cut).has_value()) << size;
  }
}

TEST_F(DocumentTest, NoTwoSealingsAreAlikeAndLengthsDoNotShow) {
  EXPECT_NE(entry("a", "value").sealed, entry("a", "value").sealed);
  EXPECT_EQ(entry("a", "v").sealed.size(), entry("a", std::string(63, 'v')).sealed.size());
  EXPECT_LT(entry("a", "v").sealed.size(), entry("a", std::string(64, 'v')).sealed.size());
}

TEST_F(DocumentTest, TheTextComesBack) {
  document_.entries = {entry("a", "1"), entry("b", "2")};
  const std::string text = document_text(document_, key_);
  const std::optional<SealedDocument> parsed = parse_document(text);
  ASSERT_TRUE(parsed.has_value());
  const std::optional<DataKey> key = open_document(*parsed, master_);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(open_secret(*parsed, *key, *parsed->find("b"))->view(), "2");
  EXPECT_EQ(parsed->find("c"), nullptr);
  EXPECT_EQ(parsed->entries[1].changed_ms, 2);
  EXPECT_FALSE(open_document(*parsed, make_master_key()).has_value());
}

TEST_F(DocumentTest, ADataKeyOpensInItsOwnStoreOnly) {
  SealedDocument other = *parse_document(document_text(document_, key_));
  other.store_id = std::string(32, '0');
  EXPECT_FALSE(open_document(other, master_).has_value());
}

}  // namespace
}  // namespace vesto::secret
