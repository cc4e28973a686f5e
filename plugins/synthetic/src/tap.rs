//! Which streams there are.

use serde::{Deserialize, Serialize};

use crate::reader::SyntheticReader;
use crate::{StreamSpec, SyntheticOptions};
use dstream_sdk::{
    Catalog, ConnectorConfig, Context, Error, OpenTap, Partition, ReadRequest, Reader, Result, Selection,
    Tap, parse_options, serde_json,
};

/// The tap `synthetic`.
#[derive(Debug)]
pub struct Synthetic {
    options: SyntheticOptions,
    streams: Vec<StreamSpec>,
}

/// Which rows of a stream a partition has: every `of`th block, from block `part` on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) part: u32,
    pub(crate) of: u32,
}

impl OpenTap for Synthetic {
    fn open(_context: Context, config: ConnectorConfig) -> Result<Synthetic> {
        let options: SyntheticOptions = parse_options(&config)?;
        let streams = options.streams()?;
        Ok(Synthetic { options, streams })
    }
}

impl Synthetic {
    fn find_stream(&self, name: &str) -> Result<&StreamSpec> {
        self.streams.iter().find(|stream| stream.name == name).ok_or_else(|| {
            Error::schema("there is no such stream").stream(name).hint("run `dstreams discover` again")
        })
    }
}

impl Tap for Synthetic {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn discover(&self) -> Result<Catalog> {
        Ok(Catalog { streams: self.streams.iter().map(StreamSpec::info).collect() })
    }

    fn plan(&self, selection: &Selection) -> Result<Vec<Partition>> {
        let mut partitions = Vec::new();
        for stream in &selection.streams {
            self.find_stream(&stream.name)?.selected(&stream.schema)?;
            let of = self.options.partitions.get();
            if of == 1 {
                partitions.push(Partition::whole(&stream.name));
                continue;
            }
            partitions.extend((0..of).map(|part| Partition {
                // The number of parts is in the id: a position in one of four is none in one of five.
                id: format!("{}/{part}-of-{of}", stream.name),
                streams: vec![stream.name.clone()],
                data: serde_json::json!(Part { part, of }),
            }));
        }
        Ok(partitions)
    }

    fn open_reader(&self, context: Context, request: ReadRequest) -> Result<Box<dyn Reader>> {
        let [selected] = request.streams.as_slice() else {
            return Err(Error::bug(format!("a partition of {} streams", request.streams.len())));
        };
        let stream = self.find_stream(&selected.name)?;
        SyntheticReader::open(context, stream, self.options.batch_rows, &request)
            .map(|reader| Box::new(reader) as Box<dyn Reader>)
            .map_err(|error| error.stream(&selected.name))
    }
}

#[cfg(test)]
mod tests;
