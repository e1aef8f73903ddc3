// The settings of syncs and their tables.
#include "config/key_specs.h"

namespace vesto::key_specs {

namespace {

constexpr std::string_view kOnNewColumn = "add|add_and_backfill|ignore|stop";
constexpr std::string_view kOnTypeChange = "stop|rewrite";

}  // namespace

void add_sync(std::vector<KeySpec>* keys) {
  keys->push_back(objects("sync", "One source to one destination, by name."));
  keys->push_back(needed("sync.*.source", kText, "Name of a source."));
  keys->push_back(needed("sync.*.destination", kText, "Name of a destination."));
  keys->push_back(integer("sync.*.max_rejected_rows", "1000", 0, 50'000,
                          "Rejected rows that one run may keep aside for a table; with more the "
                          "table fails and nothing of it is committed. All tables together may "
                          "have 32 MiB of such rows at a time."));
  keys->push_back(choice(
      "sync.*.on_new_column", "\"add\"", kOnNewColumn, "",
      "What becomes of a column that the source has got since the last load. "
      "add: delivered from now on; older rows hold NULL until they change. "
      "add_and_backfill: all rows are read once more (not with append). ignore: left out. stop: "
      "the table fails."));
  keys->push_back(choice("sync.*.on_type_change", "\"stop\"", kOnTypeChange, "",
                         "What becomes of a column whose type in the target cannot hold the "
                         "source's any more. stop: the table fails. rewrite: the column is made "
                         "anew with its values cast, and so moves to the end of the table."));
  keys->push_back({.path = "sync.*.table[]",
                   .type = kList,
                   .required = true,
                   .since = kFirst,
                   .doc = "One entry for each table."});
  keys->push_back(needed("sync.*.table[].name", kText,
                         "schema.table in the source. \"public.order_*\" stands for every table "
                         "whose name matches and that no other entry names, new ones included; "
                         "their keys are their primary keys."));
  keys->push_back(choice("sync.*.table[].mode", "\"upsert\"", "upsert|append|replace", "",
                         "upsert: rows are merged by key. append: for rows that are only ever "
                         "added; needs a cursor, no key. replace: the target holds what the last "
                         "run has read."));
  keys->push_back(optional("sync.*.table[].key", kTextList, "",
                           "Columns that identify a row, for upsert; without it the primary key."));
  keys->push_back(optional("sync.*.table[].filter", kText, "",
                           "Deliver only rows that meet this condition, in the source's SQL. Rows "
                           "that stop meeting it stay in the target until --full-refresh."));
  keys->push_back(optional("sync.*.table[].query", kText, "",
                           "A SELECT in the source's SQL that is delivered in the place of a "
                           "table; name is then what the stream is called, without a dot."));
  keys->push_back(optional("sync.*.table[].cursor", kText, "",
                           "Column that grows with every change: only newer rows are read. "
                           "Without it every run reads all; append needs it."));
  keys->push_back(optional("sync.*.table[].lookback", kLookback, "",
                           "How far back each run reads again, for rows that commit late: a "
                           "duration (\"10m\") for times, an integer for numbers. Times: 10m "
                           "when left out."));
  keys->push_back(flag("sync.*.table[].cursor_is_immutable",
                       "For append: the cursor (timestamptz) is written once, not before its "
                       "transaction began, and never changed. Only rows below the oldest open "
                       "transaction (less lookback, 0 when left out) are read, each once. "
                       "Needs pg_read_all_stats in the source."));
  keys->push_back(
      optional("sync.*.table[].exclude", kTextList, "", "Columns that are not delivered."));
  keys->push_back(choice_map(
      "sync.*.table[].on_unrepresentable", "reject|stop|null|text",
      "What becomes of a value that Redshift cannot hold, by column. reject: "
      "its row is kept aside in _vesto_rejected (for columns not named here). "
      "stop: the table fails. null: NULL stands in its place, and is counted; not in a key. "
      "text: the column is made VARCHAR and holds the source's text."));
  keys->push_back(flag("sync.*.table[].adopt",
                       "Deliver into a table that holds rows of somebody else: upsert merges "
                       "with them, replace removes them."));
  keys->push_back(
      derived("sync.*.table[].on_new_column", kOnNewColumn, "The same for this table alone."));
  keys->push_back(
      derived("sync.*.table[].on_type_change", kOnTypeChange, "The same for this table alone."));
  keys->push_back(optional("sync.*.table[].distkey", kText, "",
                           "Distribution key of a target that Vesto makes; without it a column of "
                           "the key whose type never has to be widened."));
  keys->push_back(optional("sync.*.table[].sortkey", kTextList, "",
                           "Compound sort key of a target that Vesto makes; without it Vesto "
                           "chooses one column."));
  keys->push_back(choice_map("sync.*.table[].encode",
                             "raw|az64|bytedict|delta|delta32k|lzo|mostly8|mostly16|mostly32|"
                             "runlength|text255|text32k|zstd",
                             "Compression of columns of a target that Vesto makes, by column; "
                             "Redshift chooses the others."));
  keys->push_back(optional("sync.*.table[].target", kText, "",
                           "Table in the destination; without it the source's own name."));
  for (const char* path :
       {"sync.*.every", "sync.*.at", "sync.*.cron", "sync.*.timezone", "sync.*.blackout",
        "sync.*.freshness_target", "sync.*.on_unrepresentable"}) {
    keys->push_back(later(path));
  }
}

}  // namespace vesto::key_specs
