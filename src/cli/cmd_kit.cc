// destination kit: what each person has to run to set a destination up.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/add/draft.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/kit_facts.h"
#include "cli/kit_who.h"
#include "kit/kit.h"

namespace vesto::cli {

namespace {

using Parts = std::vector<const KitPart*>;

// Names of what is missing, each once.
std::vector<std::string> missing_of(const Parts& parts) {
  std::vector<std::string> out;
  for (const KitPart* part : parts) {
    for (const std::string& name : part->missing) {
      if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    }
  }
  return out;
}

std::string pieces_json(const std::vector<KitPiece>& pieces, const std::string& part) {
  std::vector<std::string> shown;
  for (const KitPiece& piece : pieces) {
    if (piece.part != part) continue;
    shown.push_back(fmt::format(R"({{"name":{},"checks":{}{}}})", json_quote(piece.name),
                                json_list(piece.checks),
                                piece.why.empty() ? "" : ",\"why\":" + json_quote(piece.why)));
  }
  return "[" + join(shown, ",") + "]";
}

// vesto.kit/1
std::string kit_json(const DestinationConfig& to, const Parts& parts, bool with_text,
                     const std::vector<KitPiece>& pieces, const std::vector<std::string>& notes) {
  std::vector<std::string> shown;
  shown.reserve(parts.size());
  for (const KitPart* part : parts) {
    shown.push_back(fmt::format(
        R"({{"id":{},"title":{},"who":{},"kind":{},"checks":{},"missing":{},"pieces":{}{}}})",
        json_quote(part->id), json_quote(part->title), json_quote(part->who),
        json_quote(part->kind), json_list(part->checks), json_list(part->missing),
        pieces_json(pieces, part->id), with_text ? ",\"text\":" + json_quote(part->text) : ""));
  }
  std::vector<std::string> missing;
  for (const std::string& name : missing_of(parts)) {
    missing.push_back(fmt::format(R"({{"name":{},"how":{}}})", json_quote(name),
                                  json_quote(missing_help(name, to))));
  }
  return fmt::format(
      R"({{"schema":"vesto.kit/1","destination":{},"parts":[{}],"missing":[{}],"notes":{}}})"
      "\n",
      json_quote(to.name), join(shown, ","), join(missing, ","), json_list(notes));
}

std::string list_text(const DestinationConfig& to, const Parts& parts) {
  std::vector<std::vector<std::string>> rows = {
      {"PART", "FOR", "KIND", "WHAT", "MISSING", "TURNS GREEN"}};
  for (const KitPart* part : parts) {
    rows.push_back({part->id, who_text(*part, to), part->kind, part->title,
                    part->missing.empty() ? "-" : join(part->missing, " "),
                    part->checks.empty() ? "-" : join(part->checks, " ")});
  }
  return table_text(rows);
}

std::string all_text(const DestinationConfig& to, const Parts& parts) {
  std::string out;
  for (const KitPart* part : parts) {
    out += fmt::format(
        "{}# ----- {}: for {} -----\n# Alone: vesto destination kit {} --part {}\n\n{}",
        out.empty() ? "" : "\n", part->title, who_text(*part, to), to.name, part->id, part->text);
  }
  return out;
}

// What is missing in what was printed, and why.
std::string missing_text(const DestinationConfig& to, const Parts& parts,
                         const std::vector<std::string>& notes) {
  std::string out;
  const std::vector<std::string> missing = missing_of(parts);
  if (missing.empty()) return out;
  for (const std::string& text : notes) out += fmt::format("Note: {}\n", text);
  for (const std::string& name : missing) {
    out += fmt::format("Missing: <<{}>>. {}\n", name, missing_help(name, to));
  }
  return out;
}

Result<Parts> wanted_parts(const Kit& kit, const DestinationConfig& to, const std::string& id) {
  Parts out;
  std::vector<std::string> ids;
  ids.reserve(kit.parts.size());
  for (const KitPart& part : kit.parts) {
    // Who has given an endpoint has a warehouse: to make one is shown where it is asked for.
    const bool there = part.id == "warehouse" && !to.host.empty();
    if (!there) ids.push_back(part.id);
    if (id.empty() ? !there : part.id == id) out.push_back(&part);
  }
  if (!out.empty()) return out;
  std::vector<std::string> names;
  for (const KitPartName& name : kit_part_names()) names.emplace_back(name.id);
  const bool known = std::find(names.begin(), names.end(), id) != names.end();
  const auto better = known ? std::nullopt : nearest(id, ids);
  return Error(ErrorCode::kUsage,
               known ? fmt::format("the part {} has no meaning for {}", id, to.name)
                     : fmt::format("there is no part \"{}\"{}", printable(cut_utf8(id, 100), false),
                                   better ? fmt::format("; did you mean \"{}\"?", *better) : ""))
      .with_hint("Parts of this destination: " + join(ids, ", ") + ".");
}

// Whose key it is names its user, which the kit can only propose.
bool worth_asking(const DestinationConfig& to, const Parts& parts) {
  const AuthConfig& auth = to.auth;
  if (auth.identity == "access_key" && (!auth.role_arn.empty() || auth.method == "iam_role")) {
    return true;
  }
  const std::vector<std::string> missing = missing_of(parts);
  return std::any_of(missing.begin(), missing.end(), KitFactFinder::asks);
}

int print_parts(const Context& context, const DestinationConfig& to, const Parts& parts,
                const KitFacts& facts, const std::vector<std::string>& notes) {
  const bool list = context.options.list;
  if (context.options.json) {
    write_out(kit_json(to, parts, !list, kit_pieces(to, facts), notes));
  } else if (list) {
    write_out(list_text(to, parts));
  } else {
    write_out(context.options.part.empty() ? all_text(to, parts) : parts.front()->text);
  }
  if (!context.options.quiet) write_err(missing_text(to, parts, notes));
  return kExitOk;
}

// What can be made before a destination is complete: the warehouse itself, and the bucket.
// Errors: CFG-DRAFT: the draft lacks what the wanted part needs; USAGE: there is no such part.
Status print_draft_kit(const Context& context, const Config& config, const Answers& draft) {
  const DestinationConfig to = draft.sketch();
  KitFacts facts;
  facts.public_egress = config.public_egress;
  facts.account = draft.text("draft.account");
  Kit kit = make_kit(to, facts);
  if (!context.options.part.empty()) VESTO_TRY(wanted_parts(kit, to, context.options.part));
  const bool region = draft.has("auth.region");
  std::erase_if(kit.parts, [&](const KitPart& part) {
    if (part.id == "warehouse") return !region || !draft.has("kind");
    return part.id != "bucket" || !draft.has("staging.bucket") ||
           (!region && !draft.has("staging.region"));
  });
  const auto parts = wanted_parts(kit, to, context.options.part);
  std::optional<Error> lacks = draft_error(data_dir(context.options), draft.name());
  if (!parts.ok() || parts->empty()) {
    Error error = lacks ? *lacks : Error(ErrorCode::kCfgDraft, draft.name() + " is a draft");
    return std::move(error).with_hint(
        fmt::format("Finish it: vesto destination add {}. Of a draft there are the parts warehouse "
                    "(with --kind and --region) and bucket (with --bucket and a region); one that "
                    "lacks only its access key or password has all.",
                    draft.name()));
  }
  print_parts(context, to, *parts, facts, {});
  if (context.options.part.empty() && !context.options.quiet && lacks) {
    write_err(fmt::format("Note: {}; the other parts come with that.\n", lacks->message()));
  }
  return ok_status();
}

// The whole kit of a draft that lacks only what the kit makes. What it takes for granted stays as
// it is from here on: an external id stands in the trust policy.
Status print_kit_without_secrets(const Context& context, const Config& config, Answers draft) {
  draft.fill_defaults();
  VESTO_TRY(save_draft(data_dir(context.options), draft));
  VESTO_ASSIGN(const DestinationConfig to, destination_without_secrets(draft));
  KitFactFinder finder(context, config, to);
  finder.look();
  finder.account(draft.text("draft.account"));
  const Kit kit = make_kit(to, finder.facts());
  VESTO_ASSIGN(const Parts parts, wanted_parts(kit, to, context.options.part));
  print_parts(context, to, parts, finder.facts(), {});
  return ok_status();
}

// A name that nothing has yet: how one begins who has no warehouse.
Error unknown(const Context& context, const Error& error) {
  if (error.code() != ErrorCode::kCfgNoObject || context.options.part != "warehouse") return error;
  return Error(error).with_hint(
      fmt::format("{} For a warehouse that is to be made: vesto destination add {} --draft --kind "
                  "redshift-serverless --region REGION",
                  error.hint(), printable(cut_utf8(context.options.name, 100), false)));
}

}  // namespace

int cmd_destination_kit(const Context& context) {
  const std::optional<Config> config = load_or_drafts(context);
  if (!config) return kExitConfig;
  if (config->find_destination(context.options.name) == nullptr) {
    const auto draft = read_draft(data_dir(context.options), context.options.name, "");
    if (draft.ok() && *draft) {
      const Status printed = lacks_secrets_alone(**draft)
                                 ? print_kit_without_secrets(context, *config, **draft)
                                 : print_draft_kit(context, *config, **draft);
      return printed.ok() ? kExitOk : fail(context, printed.error());
    }
  }
  const auto destination = named_destination(context, *config);
  if (!destination.ok()) return fail(context, unknown(context, destination.error()));
  const DestinationConfig& to = **destination;
  KitFactFinder finder(context, *config, to);
  finder.look();
  Kit kit = make_kit(to, finder.facts());
  auto parts = wanted_parts(kit, to, context.options.part);
  if (!parts.ok()) return fail(context, parts.error());
  if (!context.options.offline && worth_asking(to, *parts)) {
    finder.ask();
    kit = make_kit(to, finder.facts());
    parts = wanted_parts(kit, to, context.options.part);
    if (!parts.ok()) return fail(context, parts.error());
  }
  return print_parts(context, to, *parts, finder.facts(), finder.notes(missing_of(*parts)));
}

}  // namespace vesto::cli
