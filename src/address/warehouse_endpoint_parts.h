// The parts of parse_warehouse_endpoint(), for its own files alone.
// No part of the text may get into an error or a note: any of it may be a password. Exceptions are
// what has the form of a region.
// Pure; any thread.
#ifndef VESTO_ADDRESS_WAREHOUSE_ENDPOINT_PARTS_H_
#define VESTO_ADDRESS_WAREHOUSE_ENDPOINT_PARTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "address/warehouse_endpoint.h"
#include "base/result.h"

namespace vesto::endpoint_text {

// What a text says, before anything is derived from the host.
struct Pasted {
  std::string host = {};
  std::string port = {};
  std::string database = {};
  WarehouseEndpoint out = {};  // kind, region, account, name and notes as far as they are said
  int settings_left_out = 0;   // of drivers
};

// CFG-VALUE.
Error refuse(std::string why, std::string hint = "");
void note(Pasted* pasted, std::string text);  // once each

bool all_digits(std::string_view text);
// %20 and the like; what is no such code stays.
std::string percent_decoded(std::string_view text);
bool starts_with_ignoring_case(std::string_view text, std::string_view head);

// --- warehouse_endpoint_text.cc: from bytes to a text that can be taken apart

// Blanks of all kinds as " " and line ends as "\n", quotes and dashes of word processors as ASCII,
// invisible signs taken out, quotes around the whole dropped. Errors: too long, empty, not UTF-8,
// control characters.
Result<std::string> clean(std::string_view text, Pasted* pasted);
// Without blanks, where that leaves one address: "h : 5439 / dev", "h 5439 dev", and a name that
// was broken over two lines.
Result<std::string> without_blanks(std::string_view text);

// --- warehouse_endpoint_url.cc: everything that has the form of an address

// With or without a scheme; also pages of the console. Sets host, port and database where the text
// has them.
Status read_address(std::string_view text, Pasted* pasted);

// --- warehouse_endpoint_words.cc: settings by name

// One setting of a driver. False: the name is not known.
bool take_setting(std::string_view name, std::string_view value, Pasted* pasted);
bool begins_with_setting(std::string_view text);
Status read_settings(std::string_view text, Pasted* pasted);

// --- warehouse_endpoint_psql.cc: command lines

bool is_psql_line(std::string_view text);
Status read_psql_line(std::string_view text, Pasted* pasted);

// --- warehouse_endpoint_names.cc: what names tell

// What parse_warehouse_host() tells, and VPC endpoints, from whose names no warehouse can be
// derived. All empty where the host is none of Redshift's.
struct OwnHost {
  WarehouseKind kind = WarehouseKind::kUnknown;
  std::string warehouse = {};  // "" for a VPC endpoint
  std::string region = {};
  std::string account = {};
  bool vpc_endpoint = false;
};
// One part of a host name, in lower case; names of clusters and workgroups are such parts.
bool is_name_label(const std::string& label);
OwnHost own_redshift_host(std::string_view host);
// Lower case, without the root's dot and brackets. Errors: no host name and no address.
Result<std::string> normal_host(std::string_view host);
// Fills kind, region, account, name and vpc_endpoint. Errors: a host that is AWS's and no
// warehouse.
Status derive_from_host(Pasted* pasted);
bool is_console_host(std::string_view host);
Status read_console(std::string_view host, std::string_view rest, Pasted* pasted);
Status read_arn(std::string_view text, Pasted* pasted);

}  // namespace vesto::endpoint_text

#endif  // VESTO_ADDRESS_WAREHOUSE_ENDPOINT_PARTS_H_
