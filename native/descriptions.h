// What JavaScript is told of the cost model's engines; addon.cc alone includes it.
#pragma once

#include <napi.h>

#include <cstdint>

#include "accelerator/engine.h"
#include "accelerator/generic.h"

namespace sparsemark::boundary {
namespace {

// of(i): the entry i of a list.
template <typename Of>
Napi::Array list_of(Napi::Env env, int count, Of of) {
  Napi::Array out = Napi::Array::New(env);
  for (int i = 0; i < count; ++i) out.Set(static_cast<std::uint32_t>(i), of(i));
  return out;
}

// [{ name, when, expression, from }]
Napi::Array formula_value(Napi::Env env, const accelerator::Formula& formula) {
  return list_of(env, formula.count, [&](int i) {
    const accelerator::FormulaLine& line = formula.lines[i];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", line.name);
    entry.Set("when", line.when);
    entry.Set("expression", line.expression);
    entry.Set("from", line.from);
    return entry;
  });
}

// { summary, formula }
Napi::Object generic_value(Napi::Env env) {
  Napi::Object out = Napi::Object::New(env);
  out.Set("summary", accelerator::kGenericSummary);
  out.Set("formula", formula_value(env, accelerator::generic_formula));
  return out;
}

// [{ name, summary, parameters, terms, actions, formula }]
Napi::Array engine_values(Napi::Env env) {
  const auto names = [&](const char* const* list, int count) {
    return list_of(env, count, [&](int i) { return Napi::String::New(env, list[i]); });
  };
  return list_of(env, accelerator::kEngineCount, [&](int e) {
    const accelerator::Engine& engine = *accelerator::kEngines[e];
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", engine.name);
    entry.Set("summary", engine.summary);
    entry.Set("parameters", list_of(env, engine.parameter_count, [&](int p) {
                const accelerator::Parameter& parameter = engine.parameters[p];
                Napi::Object field = Napi::Object::New(env);
                field.Set("name", parameter.name);
                field.Set("unit", parameter.unit);
                field.Set("meaning", parameter.meaning);
                field.Set("least", parameter.least);
                field.Set("most", parameter.most);
                field.Set("whole", parameter.whole);
                return field;
              }));
    entry.Set("terms", names(engine.terms, engine.term_count));
    entry.Set("actions", names(engine.actions, engine.action_count));
    entry.Set("formula", formula_value(env, engine.formula));
    return entry;
  });
}

}  // namespace
}  // namespace sparsemark::boundary
