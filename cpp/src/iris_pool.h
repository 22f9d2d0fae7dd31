// Chunks of work on several threads; what one throws is thrown again in the caller.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace matcher::iris {

// Most threads a caller gets, whatever it asks for.
constexpr int kMaxThreads = 256;

// Threads that `chunks` chunks are worth.
inline std::size_t workers_for(int threads, std::size_t chunks) {
    const auto asked = static_cast<std::size_t>(std::clamp(threads, 1, kMaxThreads));
    return std::max<std::size_t>(1, std::min(asked, chunks));
}

// Calls work(worker, chunk) for every chunk, worker being below `workers`.
template <class Work>
void each_chunk(std::size_t chunks, std::size_t workers, const Work& work) {
    std::atomic<std::size_t> next{0};
    std::vector<std::exception_ptr> failures(workers);
    const auto run = [&](std::size_t worker) {
        try {
            for (std::size_t chunk = next++; chunk < chunks; chunk = next++) work(worker, chunk);
        } catch (...) {
            failures[worker] = std::current_exception();
            next = chunks;
        }
    };
    std::vector<std::thread> pool;
    try {
        for (std::size_t w = 1; w < workers; ++w) pool.emplace_back(run, w);
    } catch (...) {
        // Fewer threads than asked for: the others take over their chunks.
    }
    run(0);
    for (std::thread& thread : pool) thread.join();
    for (const std::exception_ptr& failure : failures) {
        if (failure) std::rethrow_exception(failure);
    }
}

}  // namespace matcher::iris
