// A warehouse's endpoint in any form that people paste, taken apart.
//
//   parse_warehouse_endpoint("
//   jdbc:redshift://shop.abc123.eu-west-1.redshift.amazonaws.com:5439/dev ")
//
// Taken: host, host:port, host:port/database, jdbc:redshift: and jdbc:redshift:iam: addresses with
// their properties, redshift:// and postgres:// addresses, an address of the AWS console (region
// and name, no host), an ARN of a cluster or workgroup, quotes, blanks and line breaks around and
// inside. What the text tells of user and password is not kept, and is said.
// Also: libpq's keyword strings, ODBC strings, lists of settings as in programs and secrets (JSON),
// and a command line of psql.
// Nothing is dialled or looked up. Pure; any thread; texts of up to 4,096 bytes.
// Host names: Amazon Redshift Management Guide, "Configuring connections"; VPC endpoints and custom
// domain names have forms of their own, from which nothing can be derived.
#ifndef VESTO_ADDRESS_WAREHOUSE_ENDPOINT_H_
#define VESTO_ADDRESS_WAREHOUSE_ENDPOINT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vesto {

enum class WarehouseKind { kUnknown, kProvisioned, kServerless };

struct WarehouseEndpoint {
  WarehouseKind kind = WarehouseKind::kUnknown;
  std::string host;  // lower case; "" where the text names a warehouse without its host
  int port = 5439;
  bool port_given = false;
  std::string database;       // as written; "" = not given
  std::string region;         // "" = cannot be derived
  std::string account;        // of Serverless hosts, consoles and ARNs; "" = unknown
  std::string name;           // cluster identifier or workgroup; "" = cannot be derived
  bool vpc_endpoint = false;  // a Redshift-managed VPC endpoint or a PrivateLink name
  // What the text held and is not kept. A configuration file refuses these: what stands in a file
  // is never passed over.
  bool held_user = false;
  bool held_password = false;  // or another secret
  bool held_no_tls = false;    // it asked for connections without TLS
  // What must be asked, by the names of settings, in this order: endpoint, database, kind, region,
  // warehouse. `questions` holds the same as sentences.
  std::vector<std::string> missing;
  std::vector<std::string> questions;
  std::vector<std::string> notes;  // what was left out or changed, as sentences; no secret in them
};

// Errors: CFG-VALUE with the reason and, where it can be seen, what was meant.
Result<WarehouseEndpoint> parse_warehouse_endpoint(std::string_view text);

// As understood, on one line: "cluster shop in eu-west-1, host ..., port 5439, database dev".
std::string describe_warehouse_endpoint(const WarehouseEndpoint& endpoint);

}  // namespace vesto

#endif  // VESTO_ADDRESS_WAREHOUSE_ENDPOINT_H_
