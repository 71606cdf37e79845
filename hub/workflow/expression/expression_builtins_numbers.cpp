#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "hub/workflow/expression/expression_builtins.hpp"

// Functions of numbers.
namespace rabt::workflow {

namespace {

using E = Evaluation;

template <double (*F)(double)>
bool math(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  out = e.number(F(in.as_double()));
  return true;
}
// Whole numbers stay exact, others are rounded as doubles.
template <double (*F)(double)>
bool rounding(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  if (const auto whole = in.as_int64()) {
    out = Json(*whole);
    return true;
  }
  out = e.number(F(in.as_double()));
  return true;
}
template <double (*F)(double, double)>
bool math2(E& e, const Json&, const Json* args, Json& out) {
  for (const Json* arg : {&args[0], &args[1]}) {
    if (!arg->is_number()) return type_error(e, *arg, "number required");
  }
  out = e.number(F(args[0].as_double(), args[1].as_double()));
  return true;
}
double significand(double x) {
  if (x == 0 || !std::isfinite(x)) return x;
  int exponent = 0;
  return std::frexp(x, &exponent) * 2;
}
double exp10(double x) {
  return std::pow(10.0, x);
}

// Not std::lgamma, which writes a global variable.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}
// Exponents saturate; a fraction in one is no number.
double scale(double x, double exponent) {
  if (std::isnan(exponent) || exponent != std::trunc(exponent)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return std::scalbln(x, static_cast<long>(std::clamp(exponent, -100'000.0, 100'000.0)));
}
double load_exponent(double x, double exponent) {
  return scale(x, std::trunc(exponent));
}

bool pair_of_numbers(E& e, Json first, Json second, Json& out) {
  return give_array(e, {std::move(first), std::move(second)}, out);
}
bool frexp(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  int exponent = 0;
  const double number = in.as_double();
  const double fraction = std::frexp(number, &exponent);
  return pair_of_numbers(e, e.number(fraction), Json(std::isfinite(number) ? exponent : 0), out);
}
bool modf(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  double whole = 0;
  const double fraction = std::modf(in.as_double(), &whole);
  return pair_of_numbers(e, e.number(fraction), e.number(whole), out);
}
bool lgamma_r(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "number required");
  int sign = 0;
  const double value = ::lgamma_r(in.as_double(), &sign);
  return pair_of_numbers(e, e.number(value), Json(sign), out);
}
bool fma(E& e, const Json&, const Json* args, Json& out) {
  for (const Json* arg : {&args[0], &args[1], &args[2]}) {
    if (!arg->is_number()) return type_error(e, *arg, "number required");
  }
  out = e.number(std::fma(args[0].as_double(), args[1].as_double(), args[2].as_double()));
  return true;
}

bool absolute(E& e, const Json& in, const Json*, Json& out) {
  if (!in.is_number()) return type_error(e, in, "has no absolute value");
  if (in.as_double() >= 0) {
    out = Json(in);
    return true;
  }
  return arithmetic(e, Op::sub, Json(0), in, out);
}
bool infinite(E& e, const Json&, const Json*, Json& out) {
  out = e.number(std::numeric_limits<double>::infinity());
  return true;
}
bool nan(E& e, const Json&, const Json*, Json& out) {
  out = e.number(std::numeric_limits<double>::quiet_NaN());
  return true;
}
bool isinfinite(E&, const Json& in, const Json*, Json& out) {
  out = Json(in.is_number() && std::isinf(in.as_double()));
  return true;
}
bool isnan(E&, const Json& in, const Json*, Json& out) {
  out = Json(in.is_number() && std::isnan(in.as_double()));
  return true;
}
bool isnormal(E&, const Json& in, const Json*, Json& out) {
  out = Json(in.is_number() && std::isnormal(in.as_double()));
  return true;
}
bool have_literal_numbers(E&, const Json&, const Json*, Json& out) {
  out = Json(true);
  return true;
}
bool have_decnum(E&, const Json&, const Json*, Json& out) {
  out = Json(false);  // digits are kept, arithmetic is not decimal
  return true;
}

constexpr std::array kNumbersBuiltins = {
    Builtin{"floor", 0, rounding<std::floor>},
    Builtin{"ceil", 0, rounding<std::ceil>},
    Builtin{"round", 0, rounding<std::round>},
    Builtin{"trunc", 0, rounding<std::trunc>},
    Builtin{"fabs", 0, math<std::fabs>},
    Builtin{"abs", 0, absolute},
    Builtin{"sqrt", 0, math<std::sqrt>},
    Builtin{"cbrt", 0, math<std::cbrt>},
    Builtin{"exp", 0, math<std::exp>},
    Builtin{"exp2", 0, math<std::exp2>},
    Builtin{"exp10", 0, math<exp10>},
    Builtin{"log", 0, math<std::log>},
    Builtin{"log2", 0, math<std::log2>},
    Builtin{"log10", 0, math<std::log10>},
    Builtin{"sin", 0, math<std::sin>},
    Builtin{"cos", 0, math<std::cos>},
    Builtin{"tan", 0, math<std::tan>},
    Builtin{"asin", 0, math<std::asin>},
    Builtin{"acos", 0, math<std::acos>},
    Builtin{"atan", 0, math<std::atan>},
    Builtin{"logb", 0, math<std::logb>},
    Builtin{"significand", 0, math<significand>},
    Builtin{"sinh", 0, math<std::sinh>},
    Builtin{"cosh", 0, math<std::cosh>},
    Builtin{"tanh", 0, math<std::tanh>},
    Builtin{"asinh", 0, math<std::asinh>},
    Builtin{"acosh", 0, math<std::acosh>},
    Builtin{"atanh", 0, math<std::atanh>},
    Builtin{"expm1", 0, math<std::expm1>},
    Builtin{"log1p", 0, math<std::log1p>},
    Builtin{"rint", 0, rounding<std::rint>},
    Builtin{"nearbyint", 0, rounding<std::nearbyint>},
    Builtin{"gamma", 0, math<log_gamma>},
    Builtin{"lgamma", 0, math<log_gamma>},
    Builtin{"lgamma_r", 0, lgamma_r},
    Builtin{"tgamma", 0, math<std::tgamma>},
    Builtin{"frexp", 0, frexp},
    Builtin{"modf", 0, modf},
    Builtin{"ldexp", 2, math2<load_exponent>},
    Builtin{"scalb", 2, math2<scale>},
    Builtin{"scalbln", 2, math2<load_exponent>},
    Builtin{"drem", 2, math2<std::remainder>},
    Builtin{"fdim", 2, math2<std::fdim>},
    Builtin{"hypot", 2, math2<std::hypot>},
    Builtin{"copysign", 2, math2<std::copysign>},
    Builtin{"nextafter", 2, math2<std::nextafter>},
    Builtin{"nexttoward", 2, math2<std::nextafter>},
    Builtin{"fma", 3, fma},
    Builtin{"pow", 2, math2<std::pow>},
    Builtin{"atan2", 2, math2<std::atan2>},
    Builtin{"fmin", 2, math2<std::fmin>},
    Builtin{"fmax", 2, math2<std::fmax>},
    Builtin{"fmod", 2, math2<std::fmod>},
    Builtin{"infinite", 0, infinite},
    Builtin{"nan", 0, nan},
    Builtin{"isinfinite", 0, isinfinite},
    Builtin{"isnan", 0, isnan},
    Builtin{"isnormal", 0, isnormal},
    Builtin{"have_literal_numbers", 0, have_literal_numbers},
    Builtin{"have_decnum", 0, have_decnum},
};

}  // namespace

std::span<const Builtin> number_builtins() {
  return kNumbersBuiltins;
}

}  // namespace rabt::workflow
