// The smallest test harness that does the job: TEST(name) registers, CHECK throws with file and line.
#pragma once
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace matcher::testing {

struct Case {
    std::string name;
    std::function<void()> body;
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

struct Registrar {
    Registrar(const char* name, std::function<void()> body) { cases().push_back({name, std::move(body)}); }
};

}  // namespace matcher::testing

#define TEST(name)                                                            \
    static void test_##name();                                                \
    static ::matcher::testing::Registrar register_##name(#name, test_##name); \
    static void test_##name()

#define CHECK(condition)                                                              \
    do {                                                                              \
        if (!(condition)) {                                                           \
            std::ostringstream text;                                                  \
            text << __FILE__ << ":" << __LINE__ << ": " << #condition << " is false"; \
            throw std::runtime_error(text.str());                                     \
        }                                                                             \
    } while (0)
