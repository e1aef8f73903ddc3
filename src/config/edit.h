// Puts one destination into a configuration file, or takes it out; every other byte stays.
//
//   VESTO_ASSIGN(const EditedConfig added, add_destination(files, "acme", section));
//
// Before anything is written the new text is parsed: it must be the old configuration plus (or
// less) this destination, and the whole configuration must be without issues. The file is replaced
// as a whole by a rename, after a sync to the disk: a crash leaves the old one or the new one. Its
// mode stays (0600 for a new one), a symlink to a file is followed. Writers of one directory wait
// for each other, 10 s at most; editors of people take no part in that. Thread rule: any thread,
// other processes likewise.
#ifndef VESTO_CONFIG_EDIT_H_
#define VESTO_CONFIG_EDIT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace vesto {

// A value as TOML writes it: "a\"b", 5439, { secret = "acme/password" }.
std::string toml_value(const TomlValue& value);

struct EditedConfig {
  LoadedConfig loaded;  // as it is now
  std::string file;     // that was written, as it is named in `files` or found in conf.d
  int line = 0;         // of the destination's header, as Origin counts; when removed: as it was
  bool made = false;    // the file was not there before
};

// Errors: CFG-FILE: the file is a symlink to nothing, or no ordinary file. One that is not there
// yet is well.
Status check_editable(const std::string& file);

// Adds the section, whole TOML tables that begin with "[destination.NAME]", at the end of the first
// file, which is made where there is none. section: lines that end in LF; CR LF is written where
// the file has it.
// Errors: CFG-DUPLICATE (the name is there), those of the configuration with it (the first, with
// its place), CFG-VALUE (the file defines destinations in a form to which none can be added),
// CFG-FILE, SYS-DISK (cannot be written), SYS-STORE-BUSY, INT-BUG (the text would not be what is
// meant: nothing is written).
Result<EditedConfig> add_destination(const std::vector<std::string>& files, const std::string& name,
                                     const std::string& section);

// Takes the tables [destination.NAME...] out of the file in which they stand, with the comments
// right above them and right below their last line.
// Errors: CFG-NO-OBJECT, also where another process was faster; CFG-VALUE (it is written as dotted
// keys or an inline table); else as above.
Result<EditedConfig> remove_destination(const std::vector<std::string>& files,
                                        const std::string& name);

// --- the texts alone ---

// `section` at the end of `text`, one blank line between.
std::string append_section(std::string_view text, std::string_view section);

struct CutText {
  std::string text;
  int line = 0;  // of the first line that went; 0: no header of this destination stands there
};
CutText cut_destination(std::string_view text, std::string_view name);

// The configuration as it would be with `text` in the place of `file`.
LoadedConfig load_config_with(const std::vector<std::string>& files, const std::string& file,
                              std::string_view text);

}  // namespace vesto

#endif  // VESTO_CONFIG_EDIT_H_
