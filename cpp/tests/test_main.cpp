// Runs every registered case; exit status 1 where one fails.
#include <cstdio>
#include <exception>

#include "check.h"

int main() {
    int failed = 0;
    for (const auto& test : matcher::testing::cases()) {
        try {
            test.body();
        } catch (const std::exception& error) {
            std::printf("FAILED %s: %s\n", test.name.c_str(), error.what());
            ++failed;
        }
    }
    std::printf("%d passed, %d failed\n", static_cast<int>(matcher::testing::cases().size()) - failed,
                failed);
    return failed == 0 ? 0 : 1;
}
