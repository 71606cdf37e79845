#include "hub/workflow/expression/expression_evaluation.hpp"

// Forms that look like functions, and evaluate their arguments themselves.
namespace rabt::workflow {

bool Evaluation::run_special(const Node& node, Cell* environment, const Json& input,
                             const Json* path, Sink out) {
  const Depth depth(*this);
  if (!depth.ok) return false;
  const Computed computed{out, path != nullptr};
  const auto& list = node.list;
  switch (node.special) {
    case Special::empty:
      return true;
    case Special::path: {
      const Json root{Json::Array{}};
      return run(*list[0], environment, input, &root, [&](const Json& v, const Json* p) {
        if (!p->is_array()) return invalid_path(*this, v);
        return computed(*p);
      });
    }
    case Special::select:
      return plain(*list[0], environment, input,
                   [&](const Json& v) { return !truthy(v) || out(input, path); });
    case Special::first:
      return run_first(*list[0], environment, input, path, out);
    case Special::last:
      return run_last(*list[0], environment, input, path, out);
    case Special::limit:
      return run_limit(node, environment, input, path, out);
    case Special::getpath:
      return run_getpath(node, environment, input, path, out);
    case Special::range:
      return run_range(node, environment, input, computed);
    case Special::walk:
      return walk_value(*list[0], environment, input, computed);
    case Special::tostream:
      return to_stream(input, Json(Json::Array{}), computed);
    case Special::fromstream:
      return from_stream(*list[0], environment, input, computed);
    case Special::substitute:
      return substitute(node, environment, input, computed);
    case Special::error:
      return plain(*list[0], environment, input, [&](const Json& v) {
        mark(node.offset);
        return raise(v, node.written);
      });
    case Special::any_of:
    case Special::all_of:
      return run_any_all(node, environment, input, computed);
  }
  return true;
}

bool Evaluation::run_first(const Node& f, Cell* environment, const Json& input, const Json* path,
                           Sink out) {
  const std::uint64_t label = ++labels_;
  bool downstream = false;
  if (run(f, environment, input, path, [&](const Json& v, const Json* p) {
        downstream = !out(v, p);
        return downstream ? false : leave(label);
      })) {
    return true;
  }
  return !downstream && left(label);
}

// Null when there is no result, except for paths: there is none then.
bool Evaluation::run_last(const Node& f, Cell* environment, const Json& input, const Json* path,
                          Sink out) {
  bool any = false;
  Json last;
  Json last_path;
  if (!run(f, environment, input, path, [&](const Json& v, const Json* p) {
        any = true;
        last = Json(v);
        if (p != nullptr) last_path = Json(*p);
        return true;
      })) {
    return false;
  }
  if (path != nullptr) return !any || out(last, &last_path);
  return out(last, nullptr);
}

bool Evaluation::run_limit(const Node& node, Cell* environment, const Json& input, const Json* path,
                           Sink out) {
  return plain(*node.list[0], environment, input, [&](const Json& count) {
    if (!count.is_number()) return fail("limit needs a number");
    const double wanted = count.as_double();
    if (wanted < 0) return run(*node.list[1], environment, input, path, out);
    if (!(wanted > 0)) return true;
    double seen = 0;
    const std::uint64_t label = ++labels_;
    return run(*node.list[1], environment, input, path,
               [&](const Json& v, const Json* p) {
                 seen += 1;
                 if (!out(v, p)) return false;
                 return seen < wanted || leave(label);
               }) ||
           left(label);
  });
}

bool Evaluation::run_getpath(const Node& node, Cell* environment, const Json& input,
                             const Json* path, Sink out) {
  return plain(*node.list[0], environment, input, [&](const Json& where) {
    Json found;
    mark(node.offset);
    if (!get_path(*this, input, where, found)) return false;
    if (path == nullptr) return out(found, nullptr);
    if (!path->is_array()) return out(found, path);
    Json::Array keys = path->as_array();
    keys.insert(keys.end(), where.as_array().begin(), where.as_array().end());
    const Json longer(std::move(keys));
    return charge(longer.size() * sizeof(Json)) && out(found, &longer);
  });
}

bool Evaluation::run_range(const Node& node, Cell* environment, const Json& input,
                           Callback<const Json&> out) {
  const auto& list = node.list;
  return plain(*list[0], environment, input, [&](const Json& from) {
    return plain(*list[1], environment, input, [&](const Json& to) {
      return plain(*list[2], environment, input, [&](const Json& by) {
        mark(node.offset);
        if (!from.is_number() || !to.is_number() || !by.is_number()) {
          return fail("Range bounds must be numeric");
        }
        const double end = to.as_double();
        const double width = by.as_double();
        for (double at = from.as_double(); width > 0 ? at < end : (width < 0 && at > end);
             at += width) {
          if (!step() || !out(number(at))) return false;
          if (at + width == at) return over_budget("range makes no progress");
        }
        return true;
      });
    });
  });
}

bool Evaluation::run_any_all(const Node& node, Cell* environment, const Json& input,
                             Callback<const Json&> out) {
  const std::uint64_t label = ++labels_;
  const bool decides = node.special == Special::any_of;
  bool found = false;
  if (!plain(*node.list[0], environment, input,
             [&](const Json& item) {
               return plain(*node.list[1], environment, item, [&](const Json& v) {
                 if (truthy(v) != decides) return true;
                 found = true;
                 return leave(label);
               });
             }) &&
      !left(label)) {
    return false;
  }
  return out(Json(found == decides));
}

// Members keep the first result for them and go when there is none; items keep all results.
bool Evaluation::walk_value(const Node& f, Cell* environment, const Json& input,
                            Callback<const Json&> out) {
  const Depth depth(*this);
  if (!depth.ok || !step()) return false;
  Json changed(input);
  if (input.is_object()) {
    JsonObject object;
    for (const JsonObject::Member& member : input.as_object()) {
      const std::uint64_t label = ++labels_;
      bool any = false;
      if (!walk_value(f, environment, member.second,
                      [&](const Json& v) {
                        any = true;
                        if (!add_member(object, Json(member.first), v)) return false;
                        return leave(label);
                      }) &&
          !left(label)) {
        return false;
      }
    }
    changed = Json(std::move(object));
  } else if (input.is_array()) {
    Json::Array items;
    for (const Json& item : input.as_array()) {
      if (!walk_value(f, environment, item, [&](const Json& v) {
            items.push_back(v);
            return charge(sizeof(Json)) && wrap(v);
          })) {
        return false;
      }
    }
    changed = Json(std::move(items));
  }
  return plain(f, environment, changed, out);
}

bool Evaluation::to_stream(const Json& streamed, const Json& path, Callback<const Json&> out) {
  const Depth depth(*this);
  if (!depth.ok || !step()) return false;
  if (streamed.size() == 0) return charge(2 * sizeof(Json)) && out(Json::array({path, streamed}));
  Json last;
  if (!iterate(streamed, &path, [&](const Json& item, const Json* where) {
        last = *where;
        return to_stream(item, *where, out);
      })) {
    return false;
  }
  return charge(sizeof(Json)) && out(Json::array({last}));
}

bool Evaluation::from_stream(const Node& f, Cell* environment, const Json& input,
                             Callback<const Json&> out) {
  Json root;
  bool open = false;
  return plain(f, environment, input, [&](const Json& event) {
    if (!event.is_array() || event.size() == 0 || event.size() > 2 ||
        !event[std::size_t{0}].is_array()) {
      return fail("fromstream needs events as tostream makes them");
    }
    const Json path = event[std::size_t{0}];
    if (event.size() == 2) {
      if (path.size() == 0) return out(event[std::size_t{1}]);
      open = true;
      return change_path(*this, root, path.as_array(), 0, [&](Json& place) {
        place = event[std::size_t{1}];
        return wrap(place);
      });
    }
    if (path.size() > 1 || !open) return true;
    const Json done = std::move(root);
    root = Json();
    open = false;
    return out(done);
  });
}

// sub and gsub: several results of the replacement give several texts.
bool Evaluation::substitute(const Node& node, Cell* environment, const Json& input,
                            Callback<const Json&> out) {
  return plain(*node.list[2], environment, input, [&](const Json& flags) {
    return plain(*node.list[0], environment, input, [&](const Json& pattern) {
      Json matches;
      mark(node.offset);
      if (!match_regex(*this, input, pattern, flags, false, false, node.regex.get(), matches))
        return false;
      // Code point offsets become byte offsets on the way.
      const std::string& text = input.as_string();
      std::vector<std::string> results(1);
      std::size_t byte = 0;
      std::int64_t point = 0;
      const auto skip_to = [&](std::int64_t target) {
        const std::size_t begin = byte;
        while (point < target && byte < text.size()) {
          ++byte;
          while (byte < text.size() && (static_cast<unsigned char>(text[byte]) & 0xc0U) == 0x80U)
            ++byte;
          ++point;
        }
        return text.substr(begin, byte - begin);
      };
      for (const Json& match : matches.as_array()) {
        const std::string before = skip_to(match.int_or("offset", 0));
        skip_to(match.int_or("offset", 0) + match.int_or("length", 0));
        JsonObject captures;
        for (const Json& capture : match["captures"].as_array()) {
          if (capture["name"].is_string())
            captures.set(capture["name"].as_string(), capture["string"]);
        }
        std::vector<std::string> next;
        const Json capture_object{std::move(captures)};
        if (!plain(*node.list[1], environment, capture_object, [&](const Json& replacement) {
              mark(node.offset);
              if (!replacement.is_string()) {
                return pair_error(*this, Json(before), replacement, "cannot be added");
              }
              for (const std::string& result : results) {
                if (!charge(result.size() + before.size() + replacement.as_string().size()))
                  return false;
                next.push_back(result + before + replacement.as_string());
              }
              return true;
            })) {
          return false;
        }
        results = std::move(next);
      }
      const std::string rest = text.substr(byte);
      for (const std::string& result : results) {
        if (!charge(result.size() + rest.size()) || !out(Json(result + rest))) return false;
      }
      return true;
    });
  });
}

}  // namespace rabt::workflow
