// Redshift's CSV, said in one place: how Vesto writes fields and takes rows apart again.
//
//   id,"two ""words""",q7x2...marker,""<LF>
//
// Fields are separated by a comma; a record ends with LF, never CR LF. A field with a comma, a
// quote, CR or LF stands in quotes, quotes in it doubled; a backslash is an ordinary byte. NULL is
// the bare marker; an empty text is "" (DG copy-parameters-data-format; an empty unquoted field
// would be NULL for all types but text). PostgreSQL's COPY ... (FORMAT csv) prints just this.
// All pure; any thread.
#ifndef VESTO_ENCODE_REDSHIFT_CSV_H_
#define VESTO_ENCODE_REDSHIFT_CSV_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

inline constexpr char kCsvDelimiter = ',';
inline constexpr char kCsvQuote = '"';
inline constexpr char kCsvRecordEnd = '\n';

// A fresh marker for NULL: 20 random characters of a-z and 0-9. Whether Redshift takes a quoted
// marker for NULL is not known; no value can be expected to equal this one.
std::string make_null_marker();

// Appends one value, in quotes where it must be.
void append_csv_value(std::string* out, std::string_view value);

// A binary value of no bytes: COPY loads an empty field as NULL into every column that is no text,
// so a source prints this in its place, and the guards find it.
inline constexpr std::string_view kEmptyBinary = "NaN";

struct CsvField {
  std::string_view raw;  // without the outer quotes; doubled quotes inside are still doubled
  bool quoted = false;
};

// The marker counts only outside quotes, as for PostgreSQL.
inline bool is_csv_null(const CsvField& field, std::string_view null_marker) {
  return !field.quoted && field.raw == null_marker;
}

// The value itself. Uses `scratch` where quotes must be undoubled, else views the row.
std::string_view csv_value(const CsvField& field, std::string* scratch);
// Its length in bytes.
size_t csv_value_bytes(const CsvField& field);

// Splits one record, with or without its LF. False: a quote stands where none may, or is not
// closed; `fields` then holds nothing of use.
bool split_csv_row(std::string_view row, std::vector<CsvField>* fields);

// The offset behind the LF that ends the record which begins at `from`; npos: it is not whole.
size_t csv_row_end(std::string_view bytes, size_t from);

}  // namespace vesto

#endif  // VESTO_ENCODE_REDSHIFT_CSV_H_
