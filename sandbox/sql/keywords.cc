#include "sandbox/sql/keywords.h"

#include <unordered_set>

namespace vesto::sandbox {
namespace {

using Words = std::unordered_set<std::string_view>;

const Words& reserved() {
  static const Words words = {
      "aes128", "aes256", "all", "allowoverwrite", "analyse", "analyze", "and", "any", "array",
      "as", "asc", "authorization", "az64", "backup", "between", "binary", "blanksasnull", "both",
      "bytedict", "bzip2", "case", "cast", "check", "collate", "column", "connect", "constraint",
      "create", "credentials", "cross", "current_date", "current_time", "current_timestamp",
      "current_user", "current_user_id", "default", "deferrable", "deflate", "defrag", "delta",
      "delta32k", "desc", "disable", "distinct", "do", "else", "emptyasnull", "enable", "encode",
      "encrypt", "encryption", "end", "except", "explicit", "false", "for", "foreign", "freeze",
      "from", "full", "globaldict256", "globaldict64k", "grant", "group", "gzip", "having",
      "identity", "ignore", "ilike", "in", "initially", "inner", "intersect", "interval", "into",
      "is", "isnull", "join", "language", "leading", "left", "like", "limit", "localtime",
      "localtimestamp", "lun", "luns", "lzo", "lzop", "minus", "mostly16", "mostly32", "mostly8",
      "natural", "new", "not", "notnull", "null", "nulls", "off", "offline", "offset", "oid",
      "old", "on", "only", "open", "or", "order", "outer", "overlaps", "parallel", "partition",
      "percent", "permissions", "pivot", "placing", "primary", "raw", "readratio", "recover",
      "references", "rejectlog", "resort", "respect", "restore", "right", "select",
      "session_user", "similar", "snapshot", "some", "sysdate", "system", "start", "table", "tag",
      "tdes", "text255", "text32k", "then", "timestamp", "to", "top", "trailing", "true",
      "truncatecolumns", "union", "unique", "unnest", "unpivot", "user", "using", "verbose",
      "wallet", "when", "where", "with", "without"};
  return words;
}

// connect and start are listed as reserved, but need quotes as aliases only; oid is the name of a
// catalogue column; partition, nulls, ignore, respect, percent and without have parts in queries.
const Words& only_redshift() {
  static const Words words = {
      "aes128", "aes256", "allowoverwrite", "az64", "backup", "blanksasnull", "bytedict", "bzip2",
      "credentials", "deflate", "defrag", "delta", "delta32k", "disable", "emptyasnull", "enable",
      "encode", "encrypt", "encryption", "explicit", "globaldict256", "globaldict64k", "gzip",
      "identity", "language", "lun", "luns", "lzo", "lzop", "minus", "mostly16", "mostly32",
      "mostly8", "new", "off", "offline", "old", "open", "parallel", "permissions", "pivot", "raw",
      "readratio", "recover", "rejectlog", "resort", "restore", "snapshot", "system", "tag",
      "tdes", "text255", "text32k", "top", "truncatecolumns", "unnest", "unpivot", "wallet"};
  return words;
}

const Words& only_postgres() {
  static const Words words = {"window", "returning", "symmetric", "asymmetric", "variadic",
                              "concurrently", "tablesample", "lateral", "fetch", "collation",
                              "current_catalog", "current_role"};
  return words;
}

}  // namespace

bool is_reserved(std::string_view word) { return reserved().count(word) > 0; }

bool is_reserved_only_by_redshift(std::string_view word) { return only_redshift().count(word) > 0; }

bool is_keyword_only_of_postgres(std::string_view word) { return only_postgres().count(word) > 0; }

}  // namespace vesto::sandbox
