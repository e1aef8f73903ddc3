// What the two halves of an AWS access key look like.
// Source: IAM user guide, "Manage access keys for IAM users": AKIAIOSFODNN7EXAMPLE is an id,
// wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY its secret.
// Pure; any thread.
#ifndef VESTO_ADDRESS_ACCESS_KEY_H_
#define VESTO_ADDRESS_ACCESS_KEY_H_

#include <string_view>

namespace vesto {

// Whether the text may be a secret, or hold one among other characters (a blank, a colon, the id, a
// line break): 40 characters of base64, as each has, or half of them where one is in no id. An id
// has 20 capitals and digits, so that a secret that was pasted into its place is known, and must
// not be shown.
bool looks_like_secret_key(std::string_view text);

}  // namespace vesto

#endif  // VESTO_ADDRESS_ACCESS_KEY_H_
