// One column's definition.
#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/sql/create_table.h"
#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

constexpr std::array<std::string_view, 14> kEncodings = {
    "az64",     "bytedict", "delta", "delta32k",  "lzo",     "mostly8", "mostly16",
    "mostly32", "none",     "raw",   "runlength", "text255", "text32k", "zstd"};
// Words at which a DEFAULT's expression ends.
constexpr std::array<std::string_view, 11> kAttributeWords = {
    "unique",  "primary",  "references", "encode", "distkey",   "sortkey",
    "collate", "identity", "generated",  "check",  "constraint"};

class ColumnParser {
 public:
  ColumnParser(Cursor* cursor, Edits* edits) : cursor_(*cursor), edits_(*edits) {}

  SqlResult<ColumnAttributes> run() {
    VESTO_ASSIGN(column_.name, cursor_.name());
    VESTO_TRY(type());
    while (!cursor_.at_end() && !cursor_.is_punct(',') && !cursor_.is_punct(')')) {
      VESTO_TRY(attribute());
    }
    column_.end = cursor_.index();
    return std::move(column_);
  }

 private:
  SqlStatus type() {
    if (cursor_.at_end() || cursor_.is_punct(',') || cursor_.is_punct(')')) {
      return cursor_.unexpected();
    }
    column_.type = to_lower_ascii(cursor_.source().raw(cursor_.index()));
    const std::string& word = column_.type;
    cursor_.skip();
    while (cursor_.accept_punct('.')) cursor_.skip();
    if (word == "double") VESTO_TRY(cursor_.expect("precision"));
    if (word == "character" || word == "char" || word == "nchar" || word == "binary" ||
        word == "bit") {
      cursor_.accept("varying");
    }
    if (word == "national") cursor_.skip();
    if (word == "interval") interval();
    if (cursor_.is_punct('(')) {
      if (word.substr(0, 3) == "var" || word == "binary") varbyte_length();
      VESTO_TRY(cursor_.skip_brackets());
    }
    if (cursor_.is("with") || cursor_.is("without")) {
      cursor_.skip();
      VESTO_TRY(cursor_.expect("time"));
      VESTO_TRY(cursor_.expect("zone"));
    }
    while (cursor_.is_punct('[')) {
      const size_t behind = cursor_.source().after_brackets(cursor_.index());
      if (behind == 0) return cursor_.unexpected();
      cursor_.seek(behind);
    }
    cursor_.accept("array");
    return Unit{};
  }

  void interval() {
    for (const std::string_view word : {"year", "month", "day", "hour", "minute", "second"}) {
      if (!cursor_.is(word)) continue;
      cursor_.skip();
      if (cursor_.accept("to")) cursor_.skip();
      return;
    }
  }

  void varbyte_length() {
    const std::string& word = column_.type;
    if (word != "varbyte" && word != "varbinary" && word != "binary") return;
    const std::string_view digits = cursor_.source().raw(cursor_.index() + 1);
    const int64_t length =
        to_lower_ascii(digits) == "max" ? 16777216 : parse_int(digits).value_or(0);
    column_.varbyte_length = static_cast<int>(std::clamp<int64_t>(length, 0, 16777216));
  }

  // Removes the tokens from `from` to where the cursor stands.
  void take_out(size_t from) { edits_.remove(from, cursor_.index() - from); }

  SqlStatus attribute() {
    const size_t at = cursor_.index();
    if (cursor_.accept("default")) return default_value(at);
    if (cursor_.accept("not")) {
      column_.not_null = true;
      return cursor_.expect("null");
    }
    if (cursor_.accept("null")) return Unit{};
    if (cursor_.accept("encode")) return encode(at);
    if (cursor_.accept("distkey")) {
      column_.distkey = true;
    } else if (cursor_.accept("sortkey")) {
      column_.sortkey = true;
    } else if (cursor_.is("identity") || cursor_.is("generated")) {
      return identity(at);
    } else if (cursor_.accept("collate")) {
      if (cursor_.accept("case_insensitive")) {
        return not_in_sandbox("COLLATE CASE_INSENSITIVE");
      }
      VESTO_TRY(cursor_.expect("case_sensitive"));
    } else {
      return constraint(at);
    }
    take_out(at);
    return Unit{};
  }

  SqlStatus constraint(size_t at) {
    if (cursor_.accept("constraint")) VESTO_TRY(cursor_.name());
    if (cursor_.accept("primary")) {
      VESTO_TRY(cursor_.expect("key"));
      column_.primary_key = true;
      column_.unique_or_reference = true;
    } else if (cursor_.accept("unique")) {
      column_.unique_or_reference = true;
    } else if (cursor_.accept("references")) {
      VESTO_TRY(cursor_.qualified_name());
      if (cursor_.is_punct('(')) VESTO_TRY(cursor_.name_list());
      column_.unique_or_reference = true;
    } else {
      return cursor_.unexpected();
    }
    take_out(at);
    return Unit{};
  }

  SqlStatus encode(size_t at) {
    if (cursor_.at_end()) return cursor_.unexpected();
    const std::string name = to_lower_ascii(cursor_.source().raw(cursor_.index()));
    if (name == "auto") {
      cursor_.skip();
    } else {
      if (!is_encoding(name)) return cursor_.unexpected();
      cursor_.skip();
      column_.encoding = name == "none" ? "raw" : name;
      const bool text_only = name == "text255" || name == "text32k";
      const bool is_text = column_.type == "varchar" || column_.type == "text" ||
                           column_.type == "character" || column_.type == "nvarchar";
      if ((text_only && !is_text) || (name == "az64" && is_text)) {
        return feature_not_supported("invalid encoding type specified for column \"" +
                                     column_.name + "\"");
      }
    }
    take_out(at);
    return Unit{};
  }

  // The expression stays; only its end has to be found.
  SqlStatus default_value(size_t at) {
    const auto ends = [&] {
      if (cursor_.at_end() || cursor_.is_punct(',') || cursor_.is_punct(')')) return true;
      if (cursor_.is("not") && cursor_.is("null", 1)) return true;
      if (cursor_.is("null") && cursor_.index() > at + 1) return true;
      return std::any_of(kAttributeWords.begin(), kAttributeWords.end(),
                         [&](std::string_view word) { return cursor_.is(word); });
    };
    if (ends()) return cursor_.unexpected();
    column_.default_from = at + 1;
    while (!ends()) {
      if (cursor_.is_punct('(')) {
        VESTO_TRY(cursor_.skip_brackets());
      } else {
        cursor_.skip();
      }
    }
    column_.default_to = cursor_.index();
    return Unit{};
  }

  // IDENTITY [(seed, step)] | GENERATED BY DEFAULT AS IDENTITY (seed, step)
  SqlStatus identity(size_t at) {
    const bool by_default = cursor_.accept("generated");
    if (by_default) {
      VESTO_TRY(cursor_.expect("by"));
      VESTO_TRY(cursor_.expect("default"));
      VESTO_TRY(cursor_.expect("as"));
    }
    VESTO_TRY(cursor_.expect("identity"));
    int64_t seed = 1;
    int64_t step = 1;
    if (cursor_.accept_punct('(')) {
      VESTO_ASSIGN(seed, cursor_.integer());
      VESTO_TRY(cursor_.expect_punct(','));
      VESTO_ASSIGN(step, cursor_.integer());
      VESTO_TRY(cursor_.expect_punct(')'));
    }
    const bool integer = column_.type == "int" || column_.type == "integer" ||
                         column_.type == "int4" || column_.type == "bigint" ||
                         column_.type == "int8";
    if (!integer || step == 0) {
      return feature_not_supported("identity column \"" + column_.name +
                                   "\" must be of type integer or bigint with a step");
    }
    column_.identity = true;
    take_out(at);
    std::string text =
        by_default ? "GENERATED BY DEFAULT AS IDENTITY" : "GENERATED ALWAYS AS IDENTITY";
    text += " (START WITH " + std::to_string(seed) + " INCREMENT BY " + std::to_string(step);
    if (step < 0 || seed < 1) {
      const bool big = column_.type == "bigint" || column_.type == "int8";
      text += big ? " MINVALUE -9223372036854775807 MAXVALUE 9223372036854775807"
                  : " MINVALUE -2147483648 MAXVALUE 2147483647";
    }
    edits_.insert(at, text + ")");
    return Unit{};
  }

  Cursor& cursor_;
  Edits& edits_;
  ColumnAttributes column_;
};

}  // namespace

bool is_encoding(const std::string& name) {
  return std::find(kEncodings.begin(), kEncodings.end(), name) != kEncodings.end();
}

SqlResult<ColumnAttributes> parse_column(Cursor* cursor, Edits* edits) {
  return ColumnParser(cursor, edits).run();
}

}  // namespace vesto::sandbox
