// Values put into texts that other programs read: POSIX sh, HCL, and comments of both and of SQL.
// Sources: POSIX.1-2017 shell command language 2.2 (quoting); HCL native syntax specification
// (quoted and heredoc templates). Pure; any thread.
#ifndef VESTO_KIT_QUOTE_H_
#define VESTO_KIT_QUOTE_H_

#include <string>
#include <string_view>

namespace vesto::kit {

// One word for sh that means `value` byte for byte: bare where no letter of it means anything to
// sh, else '...'. A NUL, which no argument can hold, is left out.
std::string sh_quote(std::string_view value);
// " --name value"; " --name=value" where the value could be taken for a flag.
std::string sh_flag(std::string_view name, std::string_view value);

// A quoted template of HCL: "a\"b\u0024{c}".
std::string hcl_quote(std::string_view value);
// JSON for a heredoc of HCL: nothing in it is a template.
std::string hcl_heredoc_json(std::string_view json);

// Every line of the text behind `mark` ("# ", "-- "), with a line end. Control characters become
// \xNN: no value can end the comment.
std::string commented(std::string_view mark, std::string_view text);

}  // namespace vesto::kit

#endif  // VESTO_KIT_QUOTE_H_
