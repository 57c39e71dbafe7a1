"""The peer of the crawl benchmark: Scrapy on the same site.

Reads every page that can be reached from a first one, takes out of each what
Greffe's crawls keep (title, description, language, canonical link, text,
links), and writes an item per page as JSON Lines. Prints one line of JSON when
it is done: how many pages, in how many seconds, and the most memory it had.

    python crawl.py FIRST_PAGE ITEMS_FILE CONCURRENCY
"""

import json
import sys
import time

import scrapy
from scrapy import signals
from scrapy.crawler import CrawlerProcess


class Notes(scrapy.Spider):
    name = "notes"

    async def start(self):
        # Unlike those of `start_urls`, this one is not read again when a page links to it.
        yield scrapy.Request(self.first)

    def parse(self, response):
        links = [response.urljoin(it) for it in response.xpath("//a/@href").getall()]
        texts = response.xpath(
            "//body//text()[not(ancestor::script) and not(ancestor::style)]"
        ).getall()
        yield {
            "url": response.url,
            "title": response.xpath("//title/text()").get(),
            "description": response.xpath("//meta[@name='description']/@content").get(),
            "language": response.xpath("/html/@lang").get(),
            "canonical": response.xpath("//link[@rel='canonical']/@href").get(),
            "text": " ".join(it for it in (text.strip() for text in texts) if it),
            "links": links,
        }
        for link in links:
            yield scrapy.Request(link)


def peak_kib():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    raise RuntimeError("the kernel does not say how much memory was used")


def main():
    first, items, concurrency = sys.argv[1], sys.argv[2], int(sys.argv[3])
    process = CrawlerProcess(
        {
            "FEEDS": {items: {"format": "jsonlines", "overwrite": True}},
            "CONCURRENT_REQUESTS": concurrency,
            "CONCURRENT_REQUESTS_PER_DOMAIN": concurrency,
            "DOWNLOAD_DELAY": 0,
            "ROBOTSTXT_OBEY": False,
            "AUTOTHROTTLE_ENABLED": False,
            "COOKIES_ENABLED": False,
            "RETRY_ENABLED": False,
            "TELNETCONSOLE_ENABLED": False,
            "LOG_LEVEL": "ERROR",
        }
    )
    crawler = process.create_crawler(Notes)
    times = {}
    # As strong references: signals hold on to their receivers weakly.
    opened = lambda: times.setdefault("opened", time.monotonic())
    closed = lambda: times.setdefault("closed", time.monotonic())
    crawler.signals.connect(opened, signals.spider_opened)
    crawler.signals.connect(closed, signals.spider_closed)
    process.crawl(crawler, first=first)
    process.start()
    seconds = times["closed"] - times["opened"]
    pages = crawler.stats.get_value("item_scraped_count", 0)
    print(json.dumps({"pages": pages, "seconds": seconds, "peak_kib": peak_kib()}))


if __name__ == "__main__":
    main()
